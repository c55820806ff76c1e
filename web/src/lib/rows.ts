import type { Alarm } from "./api";

/** Where an alarm stands among the others, as the service says. */
export interface Place {
  /** Equipment or device that caused its group; null when it is not open. */
  group: string | null;
  firstUp: boolean;
  /** How often it changed since it began to chatter; 0 when it does not. */
  changes: number;
  /** When it was last heard of, ms. */
  at: number;
}

export interface AlarmRow {
  kind: "alarm";
  id: string;
  alarm: Alarm;
  firstUp: boolean;
  changes: number;
  /** Shown under its group. */
  nested: boolean;
}

export interface GroupRow {
  kind: "group";
  id: string;
  cause: string;
  /** In causal order. */
  members: Alarm[];
  waiting: Alarm[];
  priority: number;
  expanded: boolean;
}

export type Row = AlarmRow | GroupRow;

const CHATTER_MS = 60_000;
const UNACKNOWLEDGED = new Set(["UNACK", "RTNUN", "LATUN"]);
const HIDDEN = new Set(["SHLVD", "DSUPR", "OOSRV"]);

export const isWaiting = (alarm: Alarm): boolean => UNACKNOWLEDGED.has(alarm.state);
export const isHidden = (alarm: Alarm): boolean => HIDDEN.has(alarm.state);

/** By how many changes an alarm chatters; a minute without one ends it. */
export function chatter(place: Place | undefined, now: number): number {
  return place && now - place.at <= CHATTER_MS ? place.changes : 0;
}

const before = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Order of the operator's list: unacknowledged first, by priority, newest first. */
export function compareAlarms(a: Alarm, b: Alarm): number {
  const rank = (alarm: Alarm): number => (isHidden(alarm) ? 2 : isWaiting(alarm) ? 0 : 1);
  return rank(a) - rank(b) || a.priority - b.priority || before(b.raised_at ?? "", a.raised_at ?? "");
}

/** What has to be shown of sorted alarms: each by itself, or, in a flood, under what caused it. */
export function rowsOf(
  sorted: readonly Alarm[],
  places: ReadonlyMap<string, Place>,
  grouped: boolean,
  expanded: ReadonlySet<string>,
  now: number,
): Row[] {
  const row = (alarm: Alarm, nested: boolean): AlarmRow => {
    const place = places.get(alarm.id);
    return { kind: "alarm", id: alarm.id, alarm, firstUp: place?.firstUp ?? false, changes: chatter(place, now), nested };
  };
  if (!grouped) return sorted.map((alarm) => row(alarm, false));
  const groups = new Map<string, Alarm[]>();
  for (const alarm of sorted) {
    const cause = isHidden(alarm) ? alarm.id : (places.get(alarm.id)?.group ?? alarm.id);
    const members = groups.get(cause);
    if (members) members.push(alarm);
    else groups.set(cause, [alarm]);
  }
  return [...groups].flatMap(([cause, members]): Row[] => {
    if (members.length === 1) return members.map((alarm) => row(alarm, false));
    const id = `group:${cause}`;
    const causal = members.toSorted(
      (a, b) =>
        Number(places.get(b.id)?.firstUp ?? false) - Number(places.get(a.id)?.firstUp ?? false) ||
        before(a.raised_at ?? "", b.raised_at ?? ""),
    );
    const head: GroupRow = {
      kind: "group",
      id,
      cause,
      members: causal,
      waiting: causal.filter(isWaiting),
      priority: Math.min(...members.map((alarm) => alarm.priority)),
      expanded: expanded.has(id),
    };
    const shown = head.expanded ? causal : causal.slice(0, 1);
    return [head, ...shown.map((alarm) => row(alarm, true))];
  });
}

/** Whether a row has a word in it, in either language. */
export function matches(alarm: Alarm, word: string): boolean {
  const wanted = word.trim().toLowerCase();
  return (
    wanted === "" ||
    [alarm.id, alarm.equipment, alarm.text.zh, alarm.text.en].some((text) => text.toLowerCase().includes(wanted))
  );
}
