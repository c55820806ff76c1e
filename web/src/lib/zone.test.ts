import { describe, expect, it } from "vitest";
import { daysBefore, fromWall, toWall } from "./zone";

describe("the building's clock", () => {
  const noon = Date.parse("2026-07-01T04:00:00Z");
  it("is shown and entered as in the building", () => {
    expect(toWall(noon, "Asia/Taipei")).toBe("2026-07-01T12:00");
    expect(fromWall("2026-07-01T12:00", "Asia/Taipei")).toBe(noon);
    expect(fromWall("nonsense", "Asia/Taipei")).toBeNaN();
  });
  it("shows the same time of another day, across a change of clocks as well", () => {
    expect(daysBefore(noon, 7, "Asia/Taipei")).toBe(noon - 7 * 86_400_000);
    const after = Date.parse("2026-03-30T10:00:00+02:00");
    expect(new Date(daysBefore(after, 2, "Europe/Berlin")).toISOString()).toBe("2026-03-28T09:00:00.000Z");
  });
});
