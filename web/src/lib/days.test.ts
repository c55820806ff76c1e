import { describe, expect, it } from "vitest";
import { dayOf, minuteOf, momentOf } from "./days";

describe("a day of the building", () => {
  it("begins at its own midnight", () => {
    const at = Date.parse("2026-06-29T16:00Z");
    expect(dayOf(at, "Asia/Taipei")).toBe("2026-06-30");
    expect(minuteOf(at, "Asia/Taipei")).toBe(0);
    expect(momentOf("2026-06-30", 0, "Asia/Taipei")).toBe(at);
  });

  it("is found again from its minute, also around a change of the clocks", () => {
    for (const zone of ["Asia/Taipei", "Europe/Berlin", "UTC"]) {
      for (const text of ["2026-03-29T00:30Z", "2026-03-29T03:30Z", "2026-10-25T12:00Z", "2026-12-31T23:59Z"]) {
        const at = Date.parse(text);
        expect(momentOf(dayOf(at, zone), minuteOf(at, zone), zone)).toBe(at);
      }
    }
  });

  it("that is none gives no moment", () => expect(momentOf("soon", 0, "UTC")).toBeNaN());
});
