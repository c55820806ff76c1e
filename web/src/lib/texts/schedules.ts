import type { Texts } from "./form";

/** What schedules, bookings and scenes say. */
export const SCHEDULES = {
  page_schedules: { zh: "排程", en: "Schedules" },
} as const satisfies Texts;
