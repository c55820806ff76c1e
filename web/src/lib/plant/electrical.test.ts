import { expect, it } from "vitest";
import { kindOf, sumOf, unbalancePercent } from "./electrical";

it("tells high-voltage switchgear from a panel by its gas", () => {
  expect(kindOf("Switchgear", (role) => role === "Sf6P")).toBe("gis");
  expect(kindOf("Switchgear", () => false)).toBe("panel");
  expect(kindOf("Lighting_System", () => true)).toBeUndefined();
});

it("reckons unbalance by the greatest deviation from the mean", () => {
  // The example of NEMA MG 1, 14.36: 460, 467 and 450 V are 1.96 % out of balance.
  expect(unbalancePercent([460, 467, 450])).toBeCloseTo(1.96, 2);
  expect(unbalancePercent([380, null, 380])).toBeNull();
  expect(unbalancePercent([0, 0, 0])).toBeNull();
});

it("does not take a part for the whole", () => {
  expect(sumOf([1, 2])).toBe(3);
  expect(sumOf([1, null])).toBeNull();
  expect(sumOf([])).toBe(0);
});
