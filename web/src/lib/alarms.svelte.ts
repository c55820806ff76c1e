import { get, post, type Alarm, type AlarmPage, type Transition } from "./api";
import { connection } from "./connection";

const UNACKNOWLEDGED = new Set(["UNACK", "RTNUN", "LATUN"]);
const HIDDEN = new Set(["SHLVD", "DSUPR", "OOSRV"]);
const SHELF_S = 1_800;

/** Order of the operator's list: unacknowledged first, by priority, newest first. */
export function compareAlarms(a: Alarm, b: Alarm): number {
  const rank = (alarm: Alarm): number => (HIDDEN.has(alarm.state) ? 2 : UNACKNOWLEDGED.has(alarm.state) ? 0 : 1);
  return rank(a) - rank(b) || a.priority - b.priority || (b.raised_at ?? "").localeCompare(a.raised_at ?? "");
}

/** The open alarms, kept by the feed. */
export class AlarmStore {
  connected = $state(false);
  loaded = $state(false);
  private byId = $state.raw<ReadonlyMap<string, Alarm>>(new Map());

  open = $derived([...this.byId.values()].filter((alarm) => alarm.state !== "NORM").sort(compareAlarms));
  unacknowledged = $derived(this.open.filter((alarm) => UNACKNOWLEDGED.has(alarm.state)));
  annunciated = $derived(this.open.filter((alarm) => !HIDDEN.has(alarm.state)));

  /** Load the open alarms, then follow the feed from the very event they reflect. */
  async start(): Promise<() => void> {
    const alarms: Alarm[] = [];
    let cursor: string | null = null;
    let position = 0;
    do {
      const page: AlarmPage = await get(
        `/alarms?state=open&limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
      );
      alarms.push(...page.items);
      // The oldest page decides: what happened while later pages were read comes again by the feed.
      position = cursor ? position : page.position;
      cursor = page.next;
    } while (cursor);
    this.byId = new Map(alarms.map((alarm) => [alarm.id, alarm]));
    this.loaded = true;
    return connection.join({ join: "alarms", after: position }, (message) => {
      if (message.stream !== "alarms") return;
      if ("transition" in message) this.take((message.transition as Transition).alarm);
      else this.connected = message.connected;
    });
  }

  worstOf(system: string): Alarm | undefined {
    return this.annunciated
      .filter((alarm) => alarm.system === system)
      .sort((a, b) => a.priority - b.priority)[0];
  }

  async acknowledge(alarm: Alarm, by: string): Promise<void> {
    this.take(await post<Alarm>(`/alarms/${encodeURIComponent(alarm.id)}/acknowledge`, { by }));
  }

  async shelve(alarm: Alarm, by: string, reason: string): Promise<void> {
    const body = { by, reason, duration_s: SHELF_S };
    this.take(await post<Alarm>(`/alarms/${encodeURIComponent(alarm.id)}/shelve`, body));
  }

  async unshelve(alarm: Alarm, by: string): Promise<void> {
    this.take(await post<Alarm>(`/alarms/${encodeURIComponent(alarm.id)}/unshelve`, { by }));
  }

  async reset(alarm: Alarm, by: string): Promise<void> {
    this.take(await post<Alarm>(`/alarms/${encodeURIComponent(alarm.id)}/reset`, { by }));
  }

  /** Keep the newer of two pictures of one alarm: the answer to a click and the feed arrive in any order. */
  private take(alarm: Alarm): void {
    const known = this.byId.get(alarm.id);
    if (known && known.version >= alarm.version) return;
    const next = new Map(this.byId);
    next.set(alarm.id, alarm);
    this.byId = next;
  }
}

export const alarms = new AlarmStore();
