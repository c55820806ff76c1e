import { describe, expect, it } from "vitest";
import type { Point } from "../api";
import { ofBuckets, ofSamples, readAt, seconds, shifted, stepFrom, timesOf, withLedger, type Samples, type Trend } from "./trace";

const POINT = { name: "TCH.B2.CN.CHC01.CHWS_T", unit: "°C", scan_s: 5, states: {} } as unknown as Point;
const BEGIN = Date.parse("2026-07-01T00:00:00Z") / 1_000;
const text = (offset: number): string => new Date((BEGIN + offset) * 1_000).toISOString();
const samples = (rows: [number, number | null, string][]): Samples =>
  ({ t: rows.map(([at]) => text(at)), v: rows.map(([, v]) => v), q: rows.map(([, , q]) => q), truncated: false }) as unknown as Samples;
const buckets = (v: (number | null)[], coverage: number[]): Trend =>
  ({ t: v.map((_, index) => text(index * 60)), v, low: v, high: v, coverage, interval: "1m" }) as unknown as Trend;

const traced = (found: Samples, end = 0): ReturnType<typeof ofSamples> => ofSamples(POINT, found, BEGIN, BEGIN + end);

describe("a trace of samples", () => {
  it("is parted by a silence after which a value counts no more", () => {
    const trace = traced(samples([[0, 7, "good"], [5, 7.1, "good"], [305, 7.2, "good"]]));
    expect(trace.v).toEqual([7, 7.1, null, 7.2]);
    expect(trace.doubts).toEqual([{ from: BEGIN + 5, to: BEGIN + 305, doubt: "gap" }]);
  });
  it("says for how long its values were bad or uncertain", () => {
    const trace = traced(samples([[0, 7, "good"], [5, null, "bad"], [10, null, "bad"], [15, 8, "uncertain"], [20, 8, "good"]]));
    expect(trace.doubts.map(({ from, to, doubt }) => [from - BEGIN, to - BEGIN, doubt])).toEqual([[5, 15, "bad"], [15, 20, "uncertain"]]);
  });
  it("says where nothing is known before its first and after its last sample", () => {
    const trace = traced(samples([[600, 7, "good"], [605, 7, "good"]]), 900);
    expect(trace.doubts.map(({ from, to, doubt }) => [from - BEGIN, to - BEGIN, doubt])).toEqual([[0, 600, "gap"], [605, 900, "gap"]]);
    expect(traced(samples([]), 900).doubts).toHaveLength(1);
  });
  it("gives the value that stood at a time, and none where it is stale or not yet there", () => {
    const trace = traced(samples([[0, 7, "good"], [5, 7.5, "good"]]));
    expect(readAt(trace, BEGIN + 9)).toMatchObject({ at: BEGIN + 5, value: 7.5, doubt: null });
    expect(readAt(trace, BEGIN - 1)).toBeNull();
    expect(readAt(trace, BEGIN + 500)).toMatchObject({ value: null, doubt: "gap" });
  });
});

describe("a trace of buckets", () => {
  it("tells what is missing from what is known in part, and does not judge the running one", () => {
    const trace = ofBuckets(POINT, buckets([7, 8, null, 9], [1, 0.5, 0, 0.1]), BEGIN + 200);
    expect(trace.doubts.map(({ from, doubt }) => [from - BEGIN, doubt])).toEqual([[60, "uncertain"], [120, "gap"]]);
  });
  it("gives the bucket around a time", () => {
    const trace = ofBuckets(POINT, buckets([7, 8], [1, 1]), BEGIN + 200);
    expect(readAt(trace, BEGIN + 119)).toMatchObject({ at: BEGIN + 60, value: 8, low: 8, high: 8 });
  });
  it("is hatched where the ledger knows of a gap that lasts", () => {
    const trace = withLedger(ofBuckets(POINT, buckets([7], [1]), BEGIN), [{ since: text(30), until: null } as never], BEGIN + 90);
    expect(trace.doubts).toEqual([{ from: BEGIN + 30, to: BEGIN + 90, doubt: "gap" }]);
  });
});

describe("a time", () => {
  it("is read as the service and as others write it", () => {
    for (const told of ["2026-07-01T23:59:59.999Z", "2026-06-30T00:00:00.000Z", "2026-07-01T08:00:00+08:00"])
      expect(seconds(told)).toBeCloseTo(Date.parse(told) / 1_000, 6);
  });
});

describe("several traces", () => {
  it("are walked through value by value", () => {
    const one = traced(samples([[0, 1, "good"], [10, 2, "good"]]));
    const both = [one, shifted(one, 5)];
    expect(stepFrom(both, BEGIN, true)).toBe(BEGIN + 5);
    expect(stepFrom(both, BEGIN + 10, false)).toBe(BEGIN + 5);
    expect(stepFrom(both, BEGIN + 15, true)).toBe(BEGIN + 15);
    expect(timesOf(both)).toEqual([BEGIN, BEGIN + 5, BEGIN + 10, BEGIN + 15]);
  });
});
