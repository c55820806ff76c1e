import { describe, expect, it } from "vitest";
import type { Point } from "./api";
import { chosen, expectedRows, fitting, orderOf, sizeText, type Wish } from "./exports";

const NAMES = ["TCH.B2.CN.CHC01.CHWS_T", "TCH.B2.CN.CHC01.kW", "TCH.B2.CN.CHC02.kW", "TCH.05.W.AHU01.SAT"];
const WISH: Wish = {
  lines: NAMES.slice(0, 2), from: Date.parse("2026-07-01T00:00:00Z"), to: Date.parse("2026-07-02T00:00:00Z"),
  format: "csv-long", interval: "", agg: "mean", language: "zh", knownAt: null,
};

describe("points of an export", () => {
  it("are named, or fit a pattern from begin to end", () => {
    expect(fitting("TCH.B2.CN.CHC0?.kW", NAMES)).toEqual([NAMES[1], NAMES[2]]);
    expect(fitting("CHC01*", NAMES)).toEqual([]);
    expect(fitting("TCH.B2.CN.CHC01+kW", NAMES)).toEqual([]);
  });
  it("stand in the order in which they were asked for, each once, and lines that fit none are told", () => {
    expect(chosen(["*.SAT", "TCH.B2.CN.CHC01.*", "TCH.B2.CN.CHC01.kW", "XYZ"], NAMES)).toEqual({
      names: [NAMES[3], NAMES[0], NAMES[1]], unknown: ["XYZ"],
    });
  });
});

describe("an export", () => {
  it("says about how large it will be", () => {
    const points = [{ scan_s: 5 }, { scan_s: 60 }] as Point[];
    expect(expectedRows(WISH, points)).toBe(86_400 / 5 + 1_440);
    expect(expectedRows({ ...WISH, interval: "1h" }, points)).toBe(48);
  });
  it("is asked for with times that have a zone, and without what was not chosen", () => {
    expect(orderOf(WISH)).toMatchObject({ from: "2026-07-01T00:00:00.000Z", interval: null, as_known_at: null });
  });
  it("tells sizes in decimal units", () => {
    expect([0, 999, 1_000, 110_421_377].map(sizeText)).toEqual(["0 B", "999 B", "1.0 kB", "110.4 MB"]);
  });
});
