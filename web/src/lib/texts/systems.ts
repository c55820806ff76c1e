import type { Texts } from "./form";

/** What the pages of systems say. */
export const SYSTEMS = {
} as const satisfies Texts;
