import { describe, expect, it } from "vitest";
import { placesOf } from "./places";

describe("where something is", () => {
  it("is told by the name of equipment and of a point", () => {
    expect(placesOf("TCH.05.W.AHU01")).toEqual(["05", "05.W"]);
    expect(placesOf("TCH.05.W.AHU01.SAT")).toEqual(["05", "05.W"]);
  });

  it("is what a place says itself", () => {
    expect(placesOf("05.W")).toEqual(["05", "05.W"]);
    expect(placesOf("05")).toEqual(["05"]);
    expect(placesOf("")).toEqual([]);
  });
});
