import { describe, expect, it } from "vitest";
import { aged, BuildingClock, supersedes } from "./ageing";

describe("age", () => {
  it.each([
    ["a minute old", 0, 60_000, 5, 0],
    ["more than a minute old", 0, 60_001, 5, 0x41],
    ["two scans of a slow point old", 0, 120_000, 60, 0],
    ["four scans of a slow point old", 0, 240_000, 60, 0x41],
    ["a quarter of an hour old", 0, 900_001, 5, 0x87],
    ["uncertain for a reason of its own", 0x42, 120_000, 5, 0x42],
    ["uncertain and too old", 0x42, 900_001, 5, 0x87],
    ["bad for a reason of its own", 0x83, 900_001, 5, 0x83],
    ["far ahead of us", 0, -900_001, 5, 0x87],
  ])("takes quality away from a value %s", (_, code, ageMs, scanS, expected) => {
    expect(aged(code, ageMs, scanS)).toBe(expected);
  });
});

describe("a value", () => {
  it("does not replace a newer one", () => expect(supersedes(1_000, 2_000, 2_000)).toBe(false));
  it("replaces an older one", () => expect(supersedes(2_000, 1_000, 2_000)).toBe(true));
  it("replaces one from before the clock was set back", () => expect(supersedes(1_000, 3_600_000, 1_000)).toBe(true));
});

describe("the building's clock", () => {
  it("goes on from the newest value, whatever the console's own clock says", () => {
    const clock = new BuildingClock();
    clock.heard(1_000_000, 50);
    clock.heard(1_000_900, 1_100); // came a little later than the one before

    expect(clock.now(2_050)).toBe(1_002_000);
  });

  it("follows when it is set back", () => {
    const clock = new BuildingClock();
    clock.heard(10_000_000, 0);
    clock.heard(1_000_000, 1_000);

    expect(clock.now(1_000)).toBe(1_000_000);
  });

  it("learns nothing from points that were never seen", () => {
    const clock = new BuildingClock();
    clock.heard(0, 5_000);

    expect(clock.now(6_000)).toBe(6_000);
  });
});
