import { describe, expect, it } from "vitest";
import { inOrder, nextSorting, type Column } from "./table";

interface Row {
  name: string;
  value: number | null;
}
const COLUMNS: Column<Row>[] = [
  { key: "name", title: "Name", by: (row) => row.name },
  { key: "value", title: "Value", by: (row) => row.value },
  { key: "note", title: "Note" },
];
const ROWS: Row[] = [
  { name: "AHU10", value: null },
  { name: "AHU2", value: 7 },
  { name: "AHU1", value: -1 },
];
const names = (key: string, descending = false): string[] => inOrder(ROWS, COLUMNS, { key, descending }).map((row) => row.name);

describe("rows of a table", () => {
  it("are sorted as people count", () => {
    expect(names("name")).toEqual(["AHU1", "AHU2", "AHU10"]);
    expect(names("name", true)).toEqual(["AHU10", "AHU2", "AHU1"]);
  });
  it("end with what is unknown, whichever way they are sorted", () => {
    expect(names("value")).toEqual(["AHU1", "AHU2", "AHU10"]);
    expect(names("value", true)).toEqual(["AHU2", "AHU1", "AHU10"]);
  });
  it("stay as they came where a column cannot be sorted", () => {
    expect(names("note")).toEqual(["AHU10", "AHU2", "AHU1"]);
  });
  it("go up, down and back to how they came", () => {
    const up = nextSorting({ key: "", descending: false }, "name");
    const down = nextSorting(up, "name");
    expect([up, down, nextSorting(down, "name")]).toEqual([
      { key: "name", descending: false },
      { key: "name", descending: true },
      { key: "", descending: false },
    ]);
    expect(nextSorting(down, "value")).toEqual({ key: "value", descending: false });
  });
});
