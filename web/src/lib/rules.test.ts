import { describe, expect, it } from "vitest";
import { perDay, titleOf, tomlOf, type Episode } from "./rules";

describe("the text of a rule", () => {
  it("says what the definition says, and leaves out what is the default", () => {
    const text = tomlOf({
      priority: 3, id: "H13", enabled: true, latching: false, on_delay_s: 900, off_delay_s: 0, equipment_class: ["Air_Handling_Unit"],
      each: [], condition: 'SAT > SAT_SP + "warm"', parameters: { warm: "2 K" }, let: {}, cause_zh: "", value: null,
      step: [{ priority: 2, condition: "SAT > 30 °C", on_delay_s: 0 }],
    });
    expect(text).toBe(
      [
        "[[rule]]", 'id = "H13"', 'equipment_class = ["Air_Handling_Unit"]', 'condition = "SAT > SAT_SP + \\"warm\\""',
        'parameters = { warm = "2 K" }', "on_delay_s = 900", "priority = 3", "[[rule.step]]", "priority = 2", 'condition = "SAT > 30 °C"', "",
      ].join("\n"),
    );
  });

  it("keeps lines of a procedure on lines of the file", () => {
    expect(tomlOf({ id: "A", sop_zh: "1. 看\n2. 做" })).toContain('sop_zh = """\n1. 看\n2. 做"""');
  });
});

describe("the title of a rule", () => {
  it("is its text without the places of figures", () => {
    expect(titleOf("{equipment} 冷卻水過度冷卻：{value} {unit}（限值 {limit} {unit}）")).toBe("冷卻水過度冷卻");
    expect(titleOf("冰水主機故障跳脫（{equipment}）")).toBe("冰水主機故障跳脫");
    expect(titleOf("Off by {value} K")).toBe("Off by … K");
  });
});

describe("episodes by day", () => {
  it("are counted where they began", () => {
    const began = (day: number): Episode => ({ subject: "", equipment: "", began: day * 86_400e6, ended: null, priority: 3, peak: null, unit: "" });
    expect([...perDay([began(1), began(1), began(3)], (ms) => String(ms / 86_400e3))]).toEqual([["1", 2], ["3", 1]]);
  });
});
