import { aged, BAD_FROM, BuildingClock, supersedes, UNCERTAIN_FROM } from "./ageing";
import type { Point } from "./api";
import { connection } from "./connection";
import type { Snapshot, Values } from "./hub";

const HISTORY_MAX = 120;

export type Severity = "good" | "uncertain" | "bad";

/** Present value of one point, and its last few values for a sparkline. */
export class LivePoint {
  value = $state<number | null>(null);
  code = $state(BAD_FROM);
  at = 0;
  scanS = 0;
  history = $state.raw<readonly number[]>([]);

  get severity(): Severity {
    return this.code < UNCERTAIN_FROM ? "good" : this.code < BAD_FROM ? "uncertain" : "bad";
  }

  set(value: number | null, code: number, at: number): void {
    this.value = value;
    this.code = code;
    this.at = at;
    if (value !== null) this.history = [...this.history.slice(1 - HISTORY_MAX), value];
  }

  /** Let age take quality away. */
  grade(now: number): void {
    if (this.at > 0) this.code = aged(this.code, now - this.at, this.scanS);
  }
}

/** All points of the building, fed by one stream and applied once per frame. */
export class LiveStore {
  connected = $state(false);
  started = $state(false);
  receivedAt = $state(0);

  private points = new Map<string, LivePoint>();
  private order: LivePoint[] = [];
  private waiting: Values[] = [];
  private frame = 0;
  private clock = new BuildingClock();

  start(): () => void {
    return connection.join({ join: "points" }, (message) => {
      if (message.stream !== "points") return;
      if ("snapshot" in message) this.load(message.snapshot);
      else if ("values" in message) this.queue(message.values);
      else this.connected = message.connected;
    });
  }

  /** Learn how often each point is read: its age is judged by that. */
  describe(points: readonly Point[]): void {
    for (const point of points) this.point(point.name).scanS = point.scan_s;
  }

  /** Grade every value by its age; the stream says nothing when it stands still. */
  grade(local: number): void {
    const now = this.clock.now(local);
    for (const point of this.order) point.grade(now);
  }

  point(name: string): LivePoint {
    let point = this.points.get(name);
    if (!point) this.points.set(name, (point = new LivePoint()));
    return point;
  }

  private load(data: Snapshot): void {
    this.waiting = [];
    this.order = data.names.map((name) => this.point(name));
    // A snapshot is the whole truth of now, also where what we hold seems newer.
    for (const point of this.order) point.at = 0;
    this.apply({ ...data, i: data.names.map((_, index) => index) });
    this.started = true;
  }

  private queue(data: Values): void {
    this.waiting.push(data);
    this.frame ||= requestAnimationFrame(() => this.flush());
  }

  private flush(): void {
    this.frame = 0;
    const waiting = this.waiting;
    this.waiting = [];
    for (const data of waiting) this.apply(data);
  }

  private apply(data: Values): void {
    const newest = data.t.reduce((latest, at) => Math.max(latest, at), 0);
    this.clock.heard(newest, Date.now());
    data.i.forEach((place, index) => {
      const point = this.order[place];
      const at = data.t[index] ?? 0;
      // A late value is history, not the present.
      if (point && supersedes(at, point.at, newest)) point.set(data.v[index] ?? null, data.q[index] ?? BAD_FROM, at);
    });
    this.receivedAt = Date.now();
  }
}

export const live = new LiveStore();
