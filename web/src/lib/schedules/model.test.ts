import { describe, expect, it } from "vitest";
import { dayBeside, exceptionsOn, minuteOf, monthBeside, moved, segmentsOf, sheetOf, timeOf, valuesOf, withAnother, wordsOf } from "./model";

const OFFICE = [{ at: "08:00", value: 1 }, { at: "12:00", value: 0 }, { at: "17:30", value: null }];

describe("hours of a day", () => {
  it("hold until the next entry, and give up where there is no value", () => {
    expect(segmentsOf([...OFFICE].reverse())).toEqual([
      { from: 480, to: 720, value: 1 },
      { from: 720, to: 1_050, value: 0 },
    ]);
    expect(segmentsOf([{ at: "22:00", value: 1 }])).toEqual([{ from: 1_320, to: 1_440, value: 1 }]);
  });

  it("move between their neighbours only", () => {
    expect(moved(OFFICE, 1, 300)[1]).toEqual({ at: "08:01", value: 0 });
    expect(moved(OFFICE, 2, 9_999)[2]!.at).toBe("23:59");
    expect(moved(OFFICE, 0, -5)[0]!.at).toBe("00:00");
  });

  it("get another one in the widest gap", () => {
    expect(withAnother([], 1)).toEqual([{ at: "08:00", value: 1 }]);
    expect(withAnother(OFFICE, 0).map(({ at }) => at)).toEqual(["08:00", "12:00", "17:30", "20:45"]);
  });

  it("are written as clocks show them", () => {
    expect(timeOf(minuteOf("07:05"))).toBe("07:05");
  });
});

describe("the sheet of a month", () => {
  it("has whole weeks from Monday", () => {
    const sheet = sheetOf("2026-12");
    expect([sheet[0], sheet.at(-1), sheet.length]).toEqual(["2026-11-30", "2027-01-03", 35]);
    expect(sheetOf("2027-02")).toHaveLength(28);
    expect(sheetOf("2026-08")).toHaveLength(42);
  });

  it("knows its neighbours over the year's end", () => {
    expect([monthBeside("2026-12", 1), dayBeside("2027-01-01", -1)]).toEqual(["2027-01", "2026-12-31"]);
  });
});

it("finds exceptions by date", () => {
  const days = { form: "dates", first: "2026-12-24", last: "2026-12-25", kind: "holiday" } as const;
  const exception = { days, entries: [], precedence: 5, text_zh: "", text_en: "" };
  const fields = { exceptions: [exception] } as unknown as Parameters<typeof exceptionsOn>[0];
  expect([exceptionsOn(fields, "2026-12-25").length, exceptionsOn(fields, "2026-12-26").length]).toEqual([1, 0]);
});

it("reads a scene's lines, or says that it cannot", () => {
  expect(valuesOf("A.B = 1\n\n C.D=0.5 ")).toEqual({ "A.B": 1, "C.D": 0.5 });
  expect([valuesOf("A.B"), valuesOf("A.B = on"), valuesOf("= 1")]).toEqual([null, null, null]);
  expect(wordsOf("01.E, 02.W、03")).toEqual(["01.E", "02.W", "03"]);
});
