/** Limits as the rules in force have them: which of them are shown beside a value, and what is normal between them. */

import type { Point, Schemas } from "../api";

export type Limit = Pick<Schemas["PointLimit"], "side" | "value" | "reached" | "mean_s" | "conditional" | "applies">;

/** A limit as it is drawn. */
export interface Line {
  side: "low" | "high";
  value: number;
  /** The number itself is beyond already. */
  reached: boolean;
  /** The present value is held against it, and not a mean. */
  present: boolean;
  /** An end of the range, for want of a limit. */
  end: boolean;
}

/**
 * Lines of a point: limits that hold now, or the ends of its range where no rule has one. In the past only those without a
 * prerequisite: whether a fan ran then is another question.
 */
export function linesOf(point: Pick<Point, "low" | "high">, limits: readonly Limit[], then: boolean): Line[] {
  const held = limits.filter((limit) => (then ? !limit.conditional : limit.applies));
  const lines = held.map(({ side, value, reached, mean_s }): Line => ({ side, value, reached, present: mean_s === 0, end: false }));
  return lines.length ? lines : endsOf(point);
}

function endsOf({ low, high }: Pick<Point, "low" | "high">): Line[] {
  const end = (side: Line["side"], value: number | null): Line[] => (value === null ? [] : [{ side, value, reached: false, present: true, end: true }]);
  return [...end("low", low), ...end("high", high)];
}

/** Normal values, from and to: between the innermost limits, and up to the end of the range where one side has none; not known without any limit. */
export function bandOf(point: Pick<Point, "low" | "high">, lines: readonly Line[]): readonly [number, number] | null {
  if (lines.every(({ end }) => end)) return null;
  const of = (side: Line["side"]): number[] => lines.filter((line) => line.side === side).map(({ value }) => value);
  const low = Math.max(...of("low"), point.low ?? -Infinity);
  const high = Math.min(...of("high"), point.high ?? Infinity);
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? [low, high] : null;
}

/** Whether a present value is beyond a limit that is held against it. */
export function isBeyond(value: number, lines: readonly Line[]): boolean {
  return lines.some(({ side, value: limit, reached, present }) => {
    if (!present) return false;
    return (reached && value === limit) || (side === "high" ? value > limit : value < limit);
  });
}

/** Numbers of limits whatever they depend on, each once. */
export const numbersOf = (limits: readonly Limit[]): number[] => [...new Set(limits.map(({ value }) => value))];

/** The question for the limits of some points; empty without any. */
export const addressOfLimits = (names: readonly string[]): string =>
  names.length ? `/points/limits?names=${names.map(encodeURIComponent).join(",")}` : "";
