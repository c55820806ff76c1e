import type { Texts } from "./form";

/** What trends, points and exports say. */
export const TRENDS = {
  page_trends: { zh: "趨勢", en: "Trends" },
  page_points: { zh: "點位與設備", en: "Points & commissioning" },
  page_exports: { zh: "匯出", en: "Exports" },
} as const satisfies Texts;
