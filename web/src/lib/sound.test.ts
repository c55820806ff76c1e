import { describe, expect, it } from "vitest";
import { SoundDesk, type Heard } from "./sound";

const one = (id: string, priority: number, group: string | null = null): Heard => ({ id, priority, group });

describe("the sound of a console", () => {
  it("is that of the most urgent alarm that waits, again every ten seconds", () => {
    const desk = new SoundDesk();
    const waiting = [one("a", 3), one("b", 2)];
    expect([0, 5_000, 10_000, 19_999, 20_000].map((now) => desk.due(waiting, false, now))).toEqual([2, null, 2, null, 2]);
  });

  it("is none when nothing waits, and none for two minutes after it was silenced", () => {
    const desk = new SoundDesk();
    expect(desk.due([], false, 0)).toBe(null);
    desk.silence(0);
    expect(desk.due([one("a", 1)], false, 119_999)).toBe(null);
    expect(desk.due([one("a", 1)], false, 120_000)).toBe(1);
  });

  it("is heard once for each group in a flood", () => {
    const desk = new SoundDesk();
    const flood = [one("a", 2, "TX"), one("b", 1, "TX"), one("c", 3)];
    expect(desk.due(flood, true, 0)).toBe(1);
    expect(desk.due([...flood, one("d", 1, "TX")], true, 10_000)).toBe(null);
    expect(desk.due([...flood, one("e", 4, "CHC")], true, 20_000)).toBe(4);
  });

  it("repeats again when the flood is over", () => {
    const desk = new SoundDesk();
    desk.due([one("a", 2, "TX")], true, 0);
    expect(desk.due([one("a", 2, "TX")], false, 10_000)).toBe(2);
  });
});
