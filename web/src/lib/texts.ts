import { ACCESS } from "./texts/access";
import { CONSOLE } from "./texts/console";
import { ENERGY } from "./texts/energy";
import { FRAME } from "./texts/frame";
import { MAINTENANCE } from "./texts/maintenance";
import { PLANT } from "./texts/plant";
import { SCHEDULES } from "./texts/schedules";
import { SYSTEMS } from "./texts/systems";
import { TRENDS } from "./texts/trends";

/** Every text of the dashboard: one catalogue, a file for each area. */
export const TEXTS = {
  ...ACCESS,
  ...CONSOLE,
  ...ENERGY,
  ...FRAME,
  ...MAINTENANCE,
  ...PLANT,
  ...SCHEDULES,
  ...SYSTEMS,
  ...TRENDS,
} as const;

export type TextKey = keyof typeof TEXTS;
export type Language = "zh" | "en";
