import { expect, it } from "vitest";
import { bandOf, isBeyond, linesOf, numbersOf, type Limit } from "./limits";

const POINT = { low: 0, high: 100 };
const limit = (side: "low" | "high", value: number, more: Partial<Limit> = {}): Limit => ({
  side, value, reached: false, mean_s: 0, conditional: false, applies: true, ...more,
});

it("draws the limits that hold now", () => {
  const limits = [limit("high", 90), limit("low", 30, { conditional: true, applies: false })];
  expect(linesOf(POINT, limits, false).map(({ side, value }) => [side, value])).toEqual([["high", 90]]);
});

it("draws in the past only what has no prerequisite", () => {
  const limits = [limit("high", 90), limit("low", 30, { conditional: true, applies: true })];
  expect(linesOf(POINT, limits, true).map(({ value }) => value)).toEqual([90]);
});

it("falls back to the ends of the range, and draws nothing of what is not known", () => {
  expect(linesOf(POINT, [], false).map(({ value }) => value)).toEqual([0, 100]);
  expect(linesOf({ low: null, high: 50 }, [], false).map(({ side, value }) => [side, value])).toEqual([["high", 50]]);
  expect(linesOf({ low: null, high: null }, [], false)).toEqual([]);
});

it("calls normal what lies between the innermost limits", () => {
  const lines = linesOf(POINT, [limit("low", 15), limit("low", 30), limit("high", 90), limit("high", 95)], false);
  expect(bandOf(POINT, lines)).toEqual([30, 90]);
  expect(bandOf(POINT, linesOf(POINT, [limit("high", 28)], false))).toEqual([0, 28]);
  expect(bandOf(POINT, linesOf(POINT, [], false))).toBeNull();
  expect(bandOf({ low: null, high: null }, linesOf({ low: null, high: null }, [limit("high", 28)], false))).toBeNull();
});

it("is beyond a limit as the rule has it, and never by a limit of a mean", () => {
  const more = linesOf(POINT, [limit("high", 80)], false);
  expect([isBeyond(80, more), isBeyond(80.1, more)]).toEqual([false, true]);
  expect(isBeyond(80, linesOf(POINT, [limit("high", 80, { reached: true })], false))).toBe(true);
  expect(isBeyond(29, linesOf(POINT, [limit("low", 30)], false))).toBe(true);
  expect(isBeyond(99, linesOf(POINT, [limit("high", 80, { mean_s: 3600 })], false))).toBe(false);
});

it("names each number once", () => {
  expect(numbersOf([limit("high", 90), limit("high", 90), limit("high", 95)])).toEqual([90, 95]);
});
