import { expect, it } from "vitest";
import { daysBefore, lastHourOf, wholeDays } from "./systems";

const NOON = Date.parse("2026-07-01T04:07:30Z");

it("asks for whole hours and quarters only", () => {
  expect(lastHourOf(NOON)).toEqual({ from: "2026-07-01T03:00:00.000Z", to: "2026-07-01T04:00:00.000Z" });
  expect(daysBefore(NOON, 1)).toBe("from=2026-06-30T04:00:00.000Z&to=2026-07-01T04:00:00.000Z");
});

it("takes days from midnight to midnight of the building", () => {
  expect(wholeDays(NOON, 2, "Asia/Taipei")).toBe("from=2026-06-28T16:00:00.000Z&to=2026-06-30T16:00:00.000Z");
});
