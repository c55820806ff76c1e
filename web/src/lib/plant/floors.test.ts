import { expect, it } from "vitest";
import { floorName, fromTheTop, levelName, levelOf } from "./floors";

it("counts floors as lifts do, the first basement as nought", () => {
  expect(["B2", "B1", "01", "12"].map(levelOf)).toEqual([-1, 0, 1, 12]);
  expect([-1, 0, 1, 12].map(levelName)).toEqual(["B2", "B1", "1F", "12F"]);
});

it("puts the roof on top and each floor once", () => {
  expect(fromTheTop(["01", "B1", "R", "12", "B2", "01"])).toEqual(["R", "12", "01", "B1", "B2"]);
});

it("calls floors as people do", () => {
  expect(["R", "01", "B2"].map(floorName)).toEqual(["R", "1F", "B2"]);
});
