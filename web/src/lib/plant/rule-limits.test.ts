import { expect, it } from "vitest";
import { limitsOf } from "./rule-limits";

it("reads the numbers of a rule's parameters, without their units", () => {
  expect(limitsOf({ parameters: { high: "90 %", very_high: 95, of: "POINT" } })).toEqual({ high: 90, very_high: 95 });
});

it("finds none where there is no rule", () => {
  expect(limitsOf(null)).toEqual({});
  expect(limitsOf({ id: "W01" })).toEqual({});
});
