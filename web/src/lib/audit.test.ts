import { describe, expect, it } from "vitest";
import { changesOf, earlierOf, isTime, kindsOf, type AuditEvent } from "./audit";

const event = (version: number, type: string, payload: Record<string, unknown>): AuditEvent => ({
  position: version, recorded_at: "", stream: "rule/H13", version, type, actor: "ann", payload, hash: "",
});
const tell = (_: string, value: unknown): string => String(value);

describe("what an event changed", () => {
  const first = event(1, "RuleApplied", { version: 1, definition: { on_delay_s: 300, deadband: "1 K" } });
  const draft = event(2, "RuleDrafted", { version: 2 });
  const second = event(3, "RuleApplied", { version: 2, definition: { on_delay_s: 900, deadband: "1 K", when: "RunSts" } });

  it("is told beside the event of its kind before it, changes first", () => {
    expect(earlierOf(second, [first, draft, second])).toBe(first);
    expect(changesOf(second, first, tell)).toEqual([
      { name: "version", before: "1", after: "2" },
      { name: "definition.on_delay_s", before: "300", after: "900" },
      { name: "definition.when", before: "", after: "RunSts" },
      { name: "definition.deadband", before: "1 K", after: "1 K" },
    ]);
  });

  it("is all that it says where there was none before", () => {
    expect(earlierOf(draft, [first, draft])).toBeUndefined();
    expect(changesOf(draft, undefined, tell)).toEqual([{ name: "version", before: "", after: "2" }]);
  });
});

describe("topics and times", () => {
  it("are kinds by their beginnings, and numbers that can be times of an event", () => {
    expect(kindsOf("rules", ["RuleApplied", "AlarmRaised", "RulePromoted"])).toEqual(["RuleApplied", "RulePromoted"]);
    expect(kindsOf("nothing", ["RuleApplied"])).toEqual([]);
    expect([isTime("definition.at", 1_782_864_000_000_000), isTime("value", 1_782_864_000_000_000), isTime("at", 5)]).toEqual([true, false, false]);
  });
});
