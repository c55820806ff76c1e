import { expect, it } from "vitest";
import { isInService, isOpen, mayBeTrapped, wayOf } from "./lifts";

it("tells the way of a car, and nothing while it stands", () => {
  expect([3, 4, 2, null].map(wayOf)).toEqual(["up", "down", "", ""]);
});

it("counts a car as in service by its mode, unless a fault stands", () => {
  expect(isInService(1, 255)).toBe(true);
  expect(isInService(1, 6)).toBe(false);
  expect(isInService(12, 255)).toBe(false);
  expect(isInService(null, 255)).toBeNull();
});

it("suspects that somebody is shut in by the bell, or by a loaded car outside a landing", () => {
  expect(mayBeTrapped(1, 255, 0)).toBe(true);
  expect(mayBeTrapped(0, 8, 20)).toBe(true);
  expect(mayBeTrapped(0, 8, 0)).toBe(false);
  expect(mayBeTrapped(null, null, null)).toBe(false);
});

it("shows doors open while they open", () => {
  expect([1, 7, 0, 6].map(isOpen)).toEqual([true, true, false, false]);
});
