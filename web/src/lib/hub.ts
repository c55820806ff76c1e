import { supersedes } from "./ageing";
import { openStream, type StreamEvents } from "./stream";

/**
 * One connection per stream for all tabs of a browser. A browser allows six connections to a host: with streams of
 * their own, the fourth tab would hang.
 */
export interface Snapshot {
  names: string[];
  t: number[];
  v: (number | null)[];
  q: number[];
}

export interface Values {
  i: number[];
  t: number[];
  v: (number | null)[];
  q: number[];
}

/** What a tab asks of the hub. */
export type Join = { join: "points" } | { join: "alarms"; after: number } | { leave: true };

/** What the hub tells a tab. */
export type Message =
  | { stream: "points" | "alarms"; connected: boolean }
  | { stream: "points"; snapshot: Snapshot }
  | { stream: "points"; values: Values }
  | { stream: "alarms"; transition: { position: number } };

export interface Port {
  postMessage(message: Message): void;
}

type Open = (url: () => string, types: readonly string[], events: StreamEvents) => () => void;

const KEPT_TRANSITIONS_MAX = 5_000;

export class Hub {
  private readonly points = new Set<Port>();
  private readonly alarms = new Set<Port>();
  private readonly connected = { points: false, alarms: false };
  private readonly started = { points: false, alarms: false };
  private latest: Snapshot | undefined;
  private transitions: { position: number }[] = [];
  private heardUntil = 0;

  constructor(private readonly open: Open = openStream) {}

  handle(port: Port, request: Join): void {
    if ("leave" in request) {
      this.points.delete(port);
      this.alarms.delete(port);
    } else if (request.join === "points") this.joinPoints(port);
    else this.joinAlarms(port, request.after);
  }

  private joinPoints(port: Port): void {
    this.points.add(port);
    port.postMessage({ stream: "points", connected: this.connected.points });
    if (this.latest) port.postMessage({ stream: "points", snapshot: this.latest });
    if (this.started.points) return;
    this.started.points = true;
    this.open(() => "/api/v1/points/stream", ["snapshot", "values"], {
      onEvent: (type, data) => (type === "snapshot" ? this.takeSnapshot(data as Snapshot) : this.takeValues(data as Values)),
      onState: (connected) => this.tellState("points", this.points, connected),
    });
  }

  private joinAlarms(port: Port, after: number): void {
    this.alarms.add(port);
    port.postMessage({ stream: "alarms", connected: this.connected.alarms });
    for (const transition of this.transitions) {
      if (transition.position > after) port.postMessage({ stream: "alarms", transition });
    }
    if (this.started.alarms) return;
    this.started.alarms = true;
    this.heardUntil = after;
    this.open(() => `/api/v1/alarms/feed?after=${this.heardUntil}`, ["alarm"], {
      onEvent: (_, data) => this.takeTransition(data as { position: number }),
      onState: (connected) => this.tellState("alarms", this.alarms, connected),
    });
  }

  private takeSnapshot(snapshot: Snapshot): void {
    this.latest = snapshot;
    for (const port of this.points) port.postMessage({ stream: "points", snapshot });
  }

  private takeValues(values: Values): void {
    const latest = this.latest;
    if (!latest) return;
    const newest = values.t.reduce((latest, at) => Math.max(latest, at), 0);
    values.i.forEach((place, index) => {
      const at = values.t[index] ?? 0;
      if (!supersedes(at, latest.t[place] ?? 0, newest)) return;
      latest.t[place] = at;
      latest.v[place] = values.v[index] ?? null;
      latest.q[place] = values.q[index] ?? 0x80;
    });
    for (const port of this.points) port.postMessage({ stream: "points", values });
  }

  private takeTransition(transition: { position: number }): void {
    // A feed that was opened anew may repeat itself.
    if (transition.position <= this.heardUntil) return;
    this.heardUntil = transition.position;
    this.transitions.push(transition);
    if (this.transitions.length > KEPT_TRANSITIONS_MAX) this.transitions.shift();
    for (const port of this.alarms) port.postMessage({ stream: "alarms", transition });
  }

  private tellState(stream: "points" | "alarms", ports: Set<Port>, connected: boolean): void {
    this.connected[stream] = connected;
    for (const port of ports) port.postMessage({ stream, connected });
  }
}
