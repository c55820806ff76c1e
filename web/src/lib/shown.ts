import type { Point } from "./api";
import { digitsOf } from "./figures";
import { i18n } from "./i18n.svelte";

/** A value of a point for people: its state's text, or the number with its unit. */
export function valueText(point: Point, value: number | null | undefined): string {
  if (value === null || value === undefined) return "—";
  const state = point.states[String(value)];
  return state ? i18n.pick(state) : `${i18n.number(value, digitsOf(point))} ${point.unit}`.trim();
}
