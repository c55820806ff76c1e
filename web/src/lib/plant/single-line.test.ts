import { describe, expect, it } from "vitest";
import { diagramOf, livenessOf, type Fed } from "./single-line";

const unit = (name: string, cls: string, ...fedBy: string[]): Fed => ({ name, cls, fedBy });
const HOUSE = [
  unit("HVM01", "meter"),
  unit("GIS01", "gis", "HVM01"),
  unit("TR01", "tr", "HVM01", "GIS01"),
  unit("LVP01", "lvp", "TR01"),
  unit("LVP02", "lvp", "TR01"),
  unit("GEN01", "gen"),
  unit("ATS01", "ats", "LVP01", "GEN01"),
  unit("UPS01", "ups", "ATS01"),
  unit("UPS02", "ups", "ATS01"),
];

describe("a single-line diagram", () => {
  const drawn = diagramOf(HOUSE);
  const at = (name: string) => drawn.nodes.find((node) => node.name === name);

  it("goes down from the mains, each once", () => {
    expect(drawn.nodes.map((node) => node.name).sort()).toEqual(HOUSE.map((one) => one.name).sort());
    expect(["HVM01", "GIS01", "TR01", "LVP01", "ATS01", "UPS01"].map((name) => at(name)?.row)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("joins a unit with its nearest source only", () => {
    expect(drawn.lines.filter((line) => line.to === "TR01")).toEqual([{ from: "GIS01", to: "TR01", isOther: false }]);
  });

  it("puts a generator beside the panel whose loads it takes over", () => {
    expect(at("GEN01")?.row).toBe(at("LVP01")?.row);
    expect(drawn.lines).toContainEqual({ from: "GEN01", to: "ATS01", isOther: true });
  });

  it("lets leaves of one kind stand below one another", () => {
    expect(at("UPS02")).toEqual({ name: "UPS02", column: at("UPS01")?.column, row: 6 });
  });

  it("puts them side by side where there is room", () => {
    const wide = diagramOf(HOUSE, 1).nodes.filter((node) => node.name.startsWith("UPS"));
    expect(new Set(wide.map((node) => node.row)).size).toBe(1);
  });

  it("never puts two units in one place", () => {
    expect(new Set(drawn.nodes.map((node) => `${node.column} ${node.row}`)).size).toBe(drawn.nodes.length);
  });
});

describe("what is live", () => {
  const mains = (name: string) => (name === "HVM01" ? ("live" as const) : ("dead" as const));

  it("is all that hangs on live mains through closed breakers", () => {
    const told = livenessOf(HOUSE, mains, () => true);
    expect(told.get("UPS01")).toBe("live");
    expect(told.get("GEN01")).toBe("dead");
  });

  it("ends at an open breaker", () => {
    const told = livenessOf(HOUSE, mains, (name) => name !== "LVP01");
    expect([told.get("LVP01"), told.get("ATS01"), told.get("LVP02")]).toEqual(["dead", "dead", "live"]);
  });

  it("goes on by the generator, and is unknown where a breaker's state is", () => {
    const both = livenessOf(HOUSE, () => "live", (name) => (name === "LVP01" ? false : true));
    expect(both.get("ATS01")).toBe("live");
    const blind = livenessOf(HOUSE, mains, (name) => (name === "LVP01" ? null : true));
    expect([blind.get("LVP01"), blind.get("UPS01")]).toEqual(["unknown", "unknown"]);
  });

  it("is not asked for ever in a ring", () => {
    expect(livenessOf([unit("A", "x", "B"), unit("B", "x", "A")], () => "live", () => true).get("A")).toBe("unknown");
  });
});
