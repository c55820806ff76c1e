import { expect, it } from "vitest";
import { dayOf, minuteOf } from "./days";
import { daysOfHours } from "./energy-asked";

it("lays hours out by the building's days, and leaves a gap a gap", () => {
  const times = ["2026-06-30T15:00:00Z", "2026-06-30T16:00:00Z", "2026-06-30T18:00:00Z"];
  const rows = daysOfHours(
    times,
    [5, 6, null],
    (at) => dayOf(at, "Asia/Taipei"),
    (at) => Math.floor(minuteOf(at, "Asia/Taipei") / 60),
  );

  expect(rows.map((row) => row.day)).toEqual(["2026-06-30", "2026-07-01"]);
  expect(rows[0]?.hours[23]).toBe(5);
  expect(rows[1]?.hours.slice(0, 4)).toEqual([6, null, null, null]);
});
