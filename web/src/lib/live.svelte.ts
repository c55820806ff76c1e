import { connection } from "./connection";
import type { Snapshot, Values } from "./hub";

const HISTORY_MAX = 120;
const UNCERTAIN_FROM = 0x40;
const BAD_FROM = 0x80;

export type Severity = "good" | "uncertain" | "bad";

/** Present value of one point, and its last few values for a sparkline. */
export class LivePoint {
  value = $state<number | null>(null);
  code = $state(BAD_FROM);
  at = $state(0);
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

  start(): () => void {
    return connection.join({ join: "points" }, (message) => {
      if (message.stream !== "points") return;
      if ("snapshot" in message) this.load(message.snapshot);
      else if ("values" in message) this.queue(message.values);
      else this.connected = message.connected;
    });
  }

  point(name: string): LivePoint {
    let point = this.points.get(name);
    if (!point) this.points.set(name, (point = new LivePoint()));
    return point;
  }

  private load(data: Snapshot): void {
    this.waiting = [];
    this.order = data.names.map((name) => this.point(name));
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
    data.i.forEach((place, index) => {
      const point = this.order[place];
      const at = data.t[index] ?? 0;
      // A late value is history, not the present.
      if (point && at >= point.at) point.set(data.v[index] ?? null, data.q[index] ?? BAD_FROM, at);
    });
    this.receivedAt = Date.now();
  }
}

export const live = new LiveStore();
