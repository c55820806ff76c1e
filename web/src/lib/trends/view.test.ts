import { describe, expect, it } from "vitest";
import { between, moved, PENS_MAX, queryOf, shiftOf, SPAN_MIN_MS, viewOf, zoomed } from "./view";

const NOW = Date.parse("2026-07-01T04:00:00Z");
const HOUR = 3_600_000;
const view = (text: string): ReturnType<typeof viewOf> => viewOf(new URLSearchParams(text), NOW);

describe("a view of trends", () => {
  it("follows the present when its address names no range", () => {
    expect(view("p=A,B")).toMatchObject({ pens: ["A", "B"], last: "8h", from: NOW - 8 * HOUR, to: NOW });
  });
  it("is the same when its address is opened again", () => {
    for (const text of ["p=A,B&last=7d&over=week&raw=1", "p=A&from=2026-06-30T00:00:00.000Z&to=2026-07-01T00:00:00.000Z&limits=1&events=0&table=1"])
      expect(viewOf(new URLSearchParams(queryOf(view(text))), NOW)).toEqual(view(text));
  });
  it("has each pen once, and no more than can be told apart", () => {
    expect(view("p=A,A,B").pens).toEqual(["A", "B"]);
    expect(view(`p=${Array.from({ length: 20 }, (_, index) => `P${index}`).join(",")}`).pens).toHaveLength(PENS_MAX);
  });
  it("takes nonsense for what it would be without", () => {
    expect(view("p=A&last=hasOwn&over=toString&from=x&to=y")).toMatchObject({ last: "8h", overlay: null });
    expect(view("from=2026-07-01T00:00Z&to=2026-06-01T00:00Z").last).toBe("8h");
  });
  it("is nearer about the pointer, and stands still then", () => {
    const near = zoomed(view("last=8h"), 0.5, 0.25);
    expect(near).toMatchObject({ last: null, from: NOW - 7 * HOUR, to: NOW - 3 * HOUR });
    expect(moved(near, 0.5)).toMatchObject({ from: NOW - 5 * HOUR, to: NOW - HOUR });
  });
  it("ends where nothing more could be seen", () => {
    const least = between(view(""), NOW, NOW + 10);
    expect(least.to - least.from).toBe(SPAN_MIN_MS);
  });
  it("lies over the same hours of another day", () => {
    expect(shiftOf(view("last=8h"), "day", "Asia/Taipei")).toBe(24 * HOUR);
    expect(shiftOf(view("last=8h"), "year", "Asia/Taipei")).toBe(364 * 24 * HOUR);
  });
});
