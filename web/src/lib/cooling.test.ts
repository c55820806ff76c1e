import { describe, expect, it } from "vitest";
import { coolingKw, kwPerTon } from "./cooling";

describe("cooling by water", () => {
  it("is flow times temperature difference times what water carries", () => {
    // 1 L/s (3.6 m³/h) through 1 K is 4.186 kW.
    expect(coolingKw(3.6, 13, 12)).toBeCloseTo(4.186, 2);
  });

  it("is told per ton only where there is cooling", () => {
    expect(kwPerTon(60, 351.7)).toBeCloseTo(0.6);
    expect(kwPerTon(60, 0)).toBeNull();
  });
});
