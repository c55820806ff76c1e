import type { Texts } from "./form";

/** What equipment, points, commands and the time machine say. */
export const PLANT = {
  page_equipment: { zh: "設備", en: "Equipment" },
  page_point: { zh: "點位", en: "Point" },
} as const satisfies Texts;
