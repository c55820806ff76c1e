import { expect, it, vi } from "vitest";
import { Draft } from "./draft.svelte";
import type { Schedule } from "./model";

const HOURS = [{ at: "08:00", value: 1 }, { at: "17:30", value: null }];
const AIR = {
  name: "AIR", version: 0, by: "site", at: null, from_site: true, points: ["A.StartCmd"], conflicts: [],
  definition: {
    text_zh: "空調", text_en: "Air", targets: { points: ["A.StartCmd"], roles: [], classes: [], places: [], scene: "" },
    weekly: [HOURS, [], [], [], [], [], []], exceptions: [], default: null, calendar: "", valid_from: null, valid_until: null,
    enabled: true, optimum_start: null,
  },
} as unknown as Schedule;

function answering(body: unknown): void {
  vi.stubGlobal("fetch", () => Promise.resolve({ ok: true, status: 200, json: () => Promise.resolve(body) }));
}

it("is saved as it was changed, says so, and is not disturbed when the list is told again", async () => {
  const draft = new Draft();
  draft.open(AIR);
  expect([draft.changed, draft.saved]).toEqual([false, false]);
  draft.fields.weekly[0]![0]!.at = "07:30";
  expect(draft.changed).toBe(true);
  const kept = { ...AIR, version: 3, definition: JSON.parse(JSON.stringify(draft.fields)) as Schedule["definition"] };
  answering({ schedule: kept, trial: { conflicts: [], points: [], preview: [] } });
  expect(await draft.save()).toBe(true);
  draft.refresh({ ...kept });
  expect([draft.changed, draft.saved, draft.kept?.version]).toEqual([false, true, 3]);
});

it("keeps what somebody is changing when another one saved meanwhile", () => {
  const draft = new Draft();
  draft.open(AIR);
  draft.fields.enabled = false;
  draft.refresh({ ...AIR, version: 5 });
  expect([draft.changed, draft.kept?.version]).toEqual([true, 0]);
});
