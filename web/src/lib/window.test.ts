import { describe, expect, it } from "vitest";
import { scrolledTo, windowOf } from "./window";

describe("the window over a long list", () => {
  it("draws what is in sight and a few around", () => {
    expect(windowOf(10_000, 40, 4_000, 400)).toEqual({ first: 92, end: 118, before: 3_680, after: 395_280 });
  });

  it("is as small for a quarter of a million rows as for a hundred", () => {
    for (const count of [100, 250_000]) {
      const { first, end } = windowOf(count, 40, 800, 400);
      expect(end - first).toBe(26);
    }
  });

  it("takes the room of all rows, wherever it is", () => {
    for (const scrollTop of [0, 39, 40, 3_600, 4_000, 9_999]) {
      const { first, end, before, after } = windowOf(100, 40, scrollTop, 400);
      expect(before + (end - first) * 40 + after).toBe(4_000);
    }
  });

  it("is empty for an empty list, and after the list became shorter", () => {
    expect(windowOf(0, 40, 0, 400)).toEqual({ first: 0, end: 0, before: 0, after: 0 });
    expect(windowOf(0, 40, 4_000, 400).end).toBe(0);
  });
});

describe("scrolling to a row", () => {
  it("does nothing while it is in sight", () => expect(scrolledTo(5, 40, 100, 400, 32)).toBe(100));
  it("goes up to one above", () => expect(scrolledTo(1, 40, 100, 400, 32)).toBe(40));
  it("goes down to one below, past the heading", () => expect(scrolledTo(20, 40, 100, 400, 32)).toBe(472));
});
