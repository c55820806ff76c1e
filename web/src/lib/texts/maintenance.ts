import type { Texts } from "./form";

/** What maintenance, patrol and repair say. */
export const MAINTENANCE = {
  page_maintenance: { zh: "維護", en: "Maintenance" },
} as const satisfies Texts;
