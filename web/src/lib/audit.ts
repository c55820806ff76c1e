import type { Schemas } from "./api";

export type AuditEvent = Schemas["Event"];
export type AuditPage = Schemas["AuditPage"];
export type ChainState = Schemas["ChainState"];
export type EventKinds = Schemas["EventKinds"];
export type Events = Schemas["Events"];

/** Questions that auditors ask again and again, by the beginnings of kinds. */
export const TOPICS = {
  access: ["Account", "SignIn", "SignedOut", "Password", "Roles", "Token", "PermissionRefused"],
  refusals: ["SignInRefused", "PermissionRefused", "CommandRefused", "AccountLocked"],
  commands: ["Command", "Override", "Bulk", "Shedding"],
  alarms: ["Alarm", "Permit", "HandOver"],
  rules: ["Rule"],
  settings: ["Site", "Schedule", "Scene", "SpecialDay", "Baseline", "Measure", "Meter"],
  record: ["Export", "Report", "Reading", "SamplesRestated", "SamplesLetGo", "FiguresRestated", "HistoryImported", "DaySealed"],
} as const;
export type Topic = keyof typeof TOPICS;

/** Kinds that a topic asks for, of those that are recorded. */
export const kindsOf = (topic: string, kinds: readonly string[]): string[] =>
  topic in TOPICS ? kinds.filter((kind) => TOPICS[topic as Topic].some((beginning) => kind.startsWith(beginning))) : [];

/** One thing that an event changed, or that it says. */
export interface Change {
  name: string;
  before: string;
  after: string;
}

const TIMES = /(^|_)(at|until|began|ended|begin|first|since|observed_at|sealed_at)$/;
/** µs UTC since 2000: what is smaller is no time of an event. */
const EARLIEST_US = 946_684_800_000_000;

/** Everything that a payload says, each by the path to it. */
function flat(value: unknown, path: string, into: Map<string, unknown>): Map<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    for (const [key, each] of Object.entries(value)) flat(each, path ? `${path}.${key}` : key, into);
  } else into.set(path, value);
  return into;
}

/** What an event says beside what the event of its kind before it in its stream said: all of it, changes first. */
export function changesOf(event: AuditEvent, earlier: AuditEvent | undefined, tell: (name: string, value: unknown) => string): Change[] {
  const now = flat(event.payload, "", new Map());
  const then = earlier ? flat(earlier.payload, "", new Map()) : new Map<string, unknown>();
  const names = [...new Set([...now.keys(), ...then.keys()])];
  const changes = names.map((name) => ({ name, before: then.has(name) ? tell(name, then.get(name)) : "", after: now.has(name) ? tell(name, now.get(name)) : "" }));
  return earlier ? changes.toSorted((a, b) => Number(a.before === a.after) - Number(b.before === b.after)) : changes;
}

/** The newest event of the same kind that came before one in its stream. */
export const earlierOf = (event: AuditEvent, chain: readonly AuditEvent[]): AuditEvent | undefined =>
  chain.findLast((each) => each.type === event.type && each.version < event.version);

/** Whether a number in a payload is a time, µs UTC. */
export const isTime = (name: string, value: unknown): value is number =>
  typeof value === "number" && value > EARLIEST_US && TIMES.test(name.split(".").at(-1) ?? "");
