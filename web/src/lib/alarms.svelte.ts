import { get, post, type Alarm, type AlarmGroups, type AlarmPage, type AlarmResults, type Text, type Transition } from "./api";
import { connection } from "./connection";
import type { Flood } from "./hub";
import { chatter, compareAlarms, isHidden, isWaiting, type Place } from "./rows";

/** Ends of a shelf that an operator can choose. */
export type ShelfEnd = { duration_s: number } | { until: "end_of_shift" } | { one_shot: true };

/** News is shown this often, however fast it comes. */
const FLUSH_MS = 100;
const GROUPS_EVERY_MS = 3_000;
const SILENT_MAX_MS = 5_000;
const ACKNOWLEDGED_AT_ONCE_MAX = 1_000;

/** The open alarms, kept by the feed: what is held is as much as there are alarms, however many transitions come. */
export class AlarmStore {
  connected = $state(false);
  loaded = $state(false);
  flood = $state.raw<Flood | null>(null);
  /** When the feed was last heard of, ms: it says something every two seconds. */
  heardAt = $state(0);
  now = $state(Date.now());
  places = $state.raw<ReadonlyMap<string, Place>>(new Map());
  /** Names of what groups are caused by, for people. */
  causes = $state.raw<ReadonlyMap<string, Text>>(new Map());
  private byId = $state.raw<ReadonlyMap<string, Alarm>>(new Map());

  open = $derived([...this.byId.values()].filter((alarm) => this.isShown(alarm)).sort(compareAlarms));
  unacknowledged = $derived(this.open.filter(isWaiting));
  /** Nobody would see an alarm that rings now. */
  lost = $derived(this.loaded && this.now - this.heardAt > SILENT_MAX_MS);
  annunciated = $derived(this.open.filter((alarm) => !isHidden(alarm) && alarm.state !== "NORM"));

  /** Alarms and places that came since the last time they were shown, the latest of each. */
  private readonly fresh = new Map<string, Alarm>();
  private readonly freshPlaces = new Map<string, Place>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private groupsAt = -Infinity;

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
    await this.loadGroups();
    this.heardAt = Date.now();
    this.loaded = true;
    return connection.join({ join: "alarms", after: position }, (message) => {
      if (message.stream !== "alarms") return;
      if (!("connected" in message)) this.heardAt = Date.now();
      if ("transition" in message) this.takeTransition(message.transition as Transition);
      else if ("flood" in message) this.flood = message.flood;
      else if ("connected" in message) this.connected = message.connected;
    });
  }

  /** Let time pass: what chattered and is quiet goes; in a flood the groups are asked for anew. */
  async tick(now: number): Promise<void> {
    this.now = now;
    if (this.flood && now - this.groupsAt >= GROUPS_EVERY_MS) await this.loadGroups();
  }

  /** Do one thing to one alarm, as `acknowledge` or `out-of-service`. */
  async ask(alarm: Alarm, action: string, body: object): Promise<void> {
    this.show(await post<Alarm>(`/alarms/${encodeURIComponent(alarm.id)}/${action}`, body));
  }

  /** Acknowledge several; gives why some were refused. */
  async acknowledgeAll(alarms: readonly Alarm[], comment = ""): Promise<string[]> {
    const refusals: string[] = [];
    for (let first = 0; first < alarms.length; first += ACKNOWLEDGED_AT_ONCE_MAX) {
      const ids = alarms.slice(first, first + ACKNOWLEDGED_AT_ONCE_MAX).map((alarm) => alarm.id);
      const results = await post<AlarmResults>("/alarms/acknowledgements", { ids, comment });
      for (const { alarm, refusal } of results.items) {
        if (alarm) this.take(alarm);
        else refusals.push(refusal?.detail ?? "");
      }
    }
    this.flush();
    return refusals;
  }

  /** What is open, and what chatters: that would otherwise come and go under the operator's eyes. */
  private isShown(alarm: Alarm): boolean {
    return alarm.state !== "NORM" || chatter(this.places.get(alarm.id), this.now) > 0;
  }

  private async loadGroups(): Promise<void> {
    this.groupsAt = this.now;
    try {
      const groups = await get<AlarmGroups>("/alarms/groups");
      this.causes = new Map(groups.items.map((group) => [group.cause, group.text]));
      for (const group of groups.items) {
        for (const { alarm, first_up, changes } of group.items) {
          this.freshPlaces.set(alarm.id, { group: group.cause, firstUp: first_up, changes, at: this.now });
        }
      }
      this.flush();
    } catch {
      // The places that are known stay until they are asked for again.
    }
  }

  private takeTransition(transition: Transition): void {
    const { alarm, group, first_up, changes, at } = transition;
    const known = this.freshPlaces.get(alarm.id) ?? this.places.get(alarm.id);
    // An alarm that closed keeps its group while it is still shown.
    this.freshPlaces.set(alarm.id, { group: group ?? known?.group ?? null, firstUp: first_up, changes, at: Date.parse(at) });
    this.take(alarm);
    this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private show(alarm: Alarm): void {
    this.take(alarm);
    this.flush();
  }

  /** Keep the newer of two pictures of one alarm: the answer to a click and the feed arrive in any order. */
  private take(alarm: Alarm): void {
    const known = this.fresh.get(alarm.id) ?? this.byId.get(alarm.id);
    if (!known || known.version < alarm.version) this.fresh.set(alarm.id, alarm);
  }

  /** Show what came. */
  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.fresh.size > 0) this.byId = new Map([...this.byId, ...this.fresh]);
    if (this.freshPlaces.size > 0) this.places = new Map([...this.places, ...this.freshPlaces]);
    this.fresh.clear();
    this.freshPlaces.clear();
  }
}

export const alarms = new AlarmStore();
