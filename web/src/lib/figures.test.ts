import { describe, expect, it } from "vitest";
import type { Point } from "./api";
import { digitsOf, keyFigures } from "./figures";

function point(over: Partial<Point>): Point {
  return {
    name: "TCH.B2.CN.CHC01.CHWS_T", text: { zh: "", en: "" }, equipment: "TCH.B2.CN.CHC01",
    equipment_text: { zh: "", en: "" }, equipment_class: "Centrifugal_Chiller", system: "hvac", role: "CHWS_T", kind: "AI", unit: "°C", device: "chc01",
    address: "input:0", scan_s: 5, low: 0, high: 40, states: {},
    present: { value: null, quality: "bad", reason: null, observed_at: null },
    ...over,
  };
}

describe("key figures", () => {
  it("are chosen by class and role, in the order of the list", () => {
    const points = [
      point({ role: "kW", name: "k" }),
      point({ role: "OilP", name: "o" }),
      point({ role: "CHWS_T", name: "t" }),
      point({ system: "power", role: "kW", name: "p" }),
    ];

    expect(keyFigures("hvac", points).map((item) => item.name)).toEqual(["t", "k"]);
  });

  it("show every kind, however many there are of the first", () => {
    const many = Array.from({ length: 28 }, (_, n) => point({ role: "CHWS_T", name: `t${n}` }));
    const points = [...many, point({ role: "kW", name: "k" })];

    expect(keyFigures("hvac", points).map((item) => item.name)).toEqual(["t0", "t1", "t2", "k"]);
  });

  it("fall back to the first analog inputs of equipment that the list does not know", () => {
    const points = [point({ system: "water", equipment_class: "x:Fountain", role: "Lvl", name: "f" })];

    expect(keyFigures("water", points).map((item) => item.name)).toEqual(["f"]);
  });
});

describe("digits", () => {
  it.each([
    [{ low: -1, high: 1 }, 2],
    [{ low: 0, high: 40 }, 1],
    [{ low: 0, high: 5000 }, 0],
    [{ low: null, high: null }, 1],
    [{ kind: "CI", low: 0, high: 1 }, 0],
  ])("of %o are %i", (over, digits) => {
    expect(digitsOf(point(over as Partial<Point>))).toBe(digits);
  });
});
