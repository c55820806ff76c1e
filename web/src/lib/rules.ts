import type { Schemas } from "./api";

export type RuleLine = Schemas["RuleLine"];
export type RulePage = Schemas["RulePage"];
export type RuleView = Schemas["RuleView"];
export type RuleCheck = Schemas["RuleCheck"];
export type BacktestView = Schemas["BacktestView"];
export type BacktestPage = Schemas["BacktestPage"];
export type Definition = Record<string, unknown>;

/** One occurrence of a backtest; times are µs since 1970 UTC. */
export interface Episode {
  subject: string;
  equipment: string;
  began: number;
  ended: number | null;
  priority: number;
  peak: number | null;
  unit: string;
}

interface Outcome {
  version: number;
  subjects: number;
  standing_s: number;
  hidden: number;
  episode_count: number;
  episodes: Episode[];
  figures: { per_day: number; per_hour: number; peak_10_min: number; busy_10_min: number; fleeting: number; chattering: unknown[] };
}

/** The result of a backtest as it was digested. */
export interface BacktestResult extends Outcome {
  active: Outcome | null;
  difference: { both: number; only_new: number; only_old: number; new: Episode[]; old: Episode[] } | null;
}

/** Keys of a rule file in the order in which people write them. */
const ORDER = [
  "id", "version", "enabled", "kind", "equipment_class", "other_than", "each", "role", "systems", "condition", "when", "deadband", "value",
  "parameters", "let", "on_delay_s", "off_delay_s", "priority", "latching", "detects", "text_zh", "text_en", "cause_zh", "cause_en",
  "sop_zh", "sop_en", "source", "modes",
];
/** What a rule file leaves out, because it says nothing. */
const SILENT: Record<string, unknown> = { enabled: true, latching: false, on_delay_s: 0, off_delay_s: 0, kind: "rule" };

const BARE = /^[A-Za-z0-9_-]+$/;
const isTable = (value: unknown): value is Definition => typeof value === "object" && value !== null && !Array.isArray(value);

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (isTable(value)) return `{ ${Object.entries(value).map(([key, each]) => `${named(key)} = ${inline(each)}`).join(", ")} }`;
  const text = JSON.stringify(value);
  if (typeof value !== "string" || !value.includes("\n")) return text;
  // Lines of a procedure are lines of the file.
  return `"""\n${text.slice(1, -1).replace(/(?<!\\)((?:\\\\)*)\\n/g, "$1\n")}"""`;
}

const named = (key: string): string => (BARE.test(key) ? key : JSON.stringify(key));

/** Whether a value says something that the default does not. */
function isSaid(key: string, value: unknown): boolean {
  if (value === null || value === undefined || value === "" || value === SILENT[key]) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isTable(value) || Object.keys(value).length > 0;
}

/** A definition as the text of a rule file: one `[[rule]]` table. */
export function tomlOf(definition: Definition): string {
  const keys = [...ORDER.filter((key) => key in definition), ...Object.keys(definition).filter((key) => !ORDER.includes(key))];
  const said = keys.filter((key) => key !== "step" && isSaid(key, definition[key]));
  const lines = ["[[rule]]", ...said.map((key) => `${named(key)} = ${inline(definition[key])}`)];
  for (const step of (definition["step"] ?? []) as Definition[]) {
    lines.push("[[rule.step]]", ...Object.keys(step).filter((key) => isSaid(key, step[key])).map((key) => `${named(key)} = ${inline(step[key])}`));
  }
  return `${lines.join("\n")}\n`;
}

/** What a rule is about, for a list: its text without the places of figures. */
export const titleOf = (text: string): string =>
  text
    .replace(/[（(][^（()）]*\{[^（()）]*[)）]/g, "")
    .replace(/[:：][^:：]*\{value\}.*$/, "")
    .replace(/\{(equipment|point)\}\s*/g, "")
    .replace(/\{\w+\}/g, "…")
    .trim();

/** How often something began on each local day. */
export function perDay(episodes: readonly Episode[], dayOf: (ms: number) => string): Map<string, number> {
  const days = new Map<string, number>();
  for (const episode of episodes) {
    const day = dayOf(episode.began / 1_000);
    days.set(day, (days.get(day) ?? 0) + 1);
  }
  return days;
}
