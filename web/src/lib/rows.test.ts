import { describe, expect, it } from "vitest";
import type { Alarm } from "./api";
import { chatter, compareAlarms, matches, rowsOf, type Place, type Row } from "./rows";

const NOW = 1_000_000;

function alarm(id: string, state = "UNACK", priority = 3, raised_at = "2026-07-01T00:00:00Z"): Alarm {
  return { id, state, priority, raised_at, equipment: id, text: { zh: "跳脫", en: "Tripped" } } as Alarm;
}

const place = (group: string | null, firstUp = false, changes = 0): Place => ({ group, firstUp, changes, at: NOW });

const shown = (rows: Row[]): string[] => rows.map((row) => (row.kind === "group" ? `[${row.cause} ${row.members.length}]` : row.id));

describe("the operator's order", () => {
  it("has what waits first, then by priority, newest first, and what is hidden last", () => {
    const alarms = [
      alarm("hidden", "SHLVD", 1),
      alarm("seen", "ACKED", 1),
      alarm("old", "UNACK", 2, "2026-07-01T00:00:00Z"),
      alarm("new", "RTNUN", 2, "2026-07-01T00:00:01Z"),
      alarm("urgent", "UNACK", 1),
    ];
    expect(alarms.toSorted(compareAlarms).map((one) => one.id)).toEqual(["urgent", "new", "old", "seen", "hidden"]);
  });
});

describe("rows", () => {
  const alarms = [alarm("fan1", "UNACK", 2), alarm("tx", "UNACK", 3), alarm("fan2", "ACKED", 3), alarm("lift", "UNACK", 3)];
  const places = new Map([
    ["fan1", place("TX")],
    ["tx", place("TX", true)],
    ["fan2", place("TX")],
    ["lift", place("LIFT", true)],
  ]);

  it("are the alarms themselves while there is no flood", () => {
    expect(shown(rowsOf(alarms, places, false, new Set(), NOW))).toEqual(["fan1", "tx", "fan2", "lift"]);
  });

  it("are groups in a flood, each with what came first; the rest is folded away", () => {
    const rows = rowsOf(alarms, places, true, new Set(), NOW);
    expect(shown(rows)).toEqual(["[TX 3]", "tx", "lift"]);
    expect(rows[0]).toMatchObject({ priority: 2, expanded: false });
    expect(rows[0]?.kind === "group" && rows[0].waiting.map((one) => one.id)).toEqual(["tx", "fan1"]);
    expect(rows[1]).toMatchObject({ firstUp: true, nested: true });
  });

  it("show all of a group that was unfolded", () => {
    expect(shown(rowsOf(alarms, places, true, new Set(["group:TX"]), NOW))).toEqual(["[TX 3]", "tx", "fan1", "fan2", "lift"]);
  });

  it("keep what is hidden out of groups, and what nobody placed by itself", () => {
    const more = [alarm("new"), alarm("a", "SHLVD"), alarm("b", "SHLVD")];
    const known = new Map([["a", place("TX")], ["b", place("TX")]]);
    expect(shown(rowsOf(more, known, true, new Set(), NOW))).toEqual(["new", "a", "b"]);
  });
});

describe("chattering", () => {
  it("is counted until a minute passed without a change", () => {
    expect(chatter(place("A", false, 12), NOW + 60_000)).toBe(12);
    expect(chatter(place("A", false, 12), NOW + 60_001)).toBe(0);
    expect(chatter(undefined, NOW)).toBe(0);
  });
});

describe("the filter", () => {
  it("finds words of either language and names, in any case", () => {
    for (const word of ["", " ", "跳", "TRIP", "fan"]) expect(matches(alarm("FAN1"), word)).toBe(true);
    expect(matches(alarm("FAN1"), "pump")).toBe(false);
  });
});
