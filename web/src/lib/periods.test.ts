import { expect, it } from "vitest";
import { periodsAt } from "./periods";

it("periods are those of the building, not of whoever looks", () => {
  const newYearInTaipei = Date.parse("2025-12-31T17:00:00Z");
  expect(periodsAt(newYearInTaipei, "Asia/Taipei")).toEqual({
    year: "2026", half: "2026H1", month: "2026-01", lastMonth: "2025-12",
  });
  expect(periodsAt(newYearInTaipei, "America/New_York").month).toBe("2025-12");
});

it("the second half begins in July", () => {
  expect(periodsAt(Date.parse("2026-06-30T12:00:00Z"), "Asia/Taipei").half).toBe("2026H1");
  expect(periodsAt(Date.parse("2026-07-01T12:00:00Z"), "Asia/Taipei").half).toBe("2026H2");
});
