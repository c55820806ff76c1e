import { describe, expect, it } from "vitest";
import { above, levelsOf } from "./levels";

const CHILLER = "TCH.B2.CN.CHC01";
const SUPPLY = `${CHILLER}.CHWS_T`;
const building = {
  item: (name: string) => (name === CHILLER ? { system: "energy" } : undefined),
  point: (name: string) => (name === SUPPLY ? { equipment: CHILLER, system: "energy" } : undefined),
};

describe("levels of the plant", () => {
  it("lead from the building by system and equipment to the point, and back one by one", () => {
    const levels = levelsOf({ page: "point", item: SUPPLY }, building);
    expect(levels.map(({ page, item }) => `${page} ${item}`.trim()).slice(0, 2)).toEqual(["overview", "energy"]);
    expect(above({ page: "overview", item: "" }, building)).toBeUndefined();
  });

  it("of what nobody knows lead back to the building", () => {
    expect(above({ page: "equipment", item: "NO" }, building)?.page).toBe("overview");
  });
});
