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
export type Join = { join: "points" } | { join: "alarms"; after: number } | { join: "commands" } | { leave: true };

/** What the hub tells a tab. */
export type Message =
  | { stream: "points" | "alarms" | "commands"; connected: boolean }
  | { stream: "points"; snapshot: Snapshot }
  | { stream: "points"; values: Values }
  | { stream: "alarms"; transition: Told }
  | { stream: "alarms"; flood: Flood | null }
  /** The feed lives, and nothing rang. */
  | { stream: "alarms"; position: number }
  | { stream: "commands"; news: unknown }
  /** Some of what happened to commands was missed. */
  | { stream: "commands"; lost: true };

/** A transition as the feed tells it, of which only this matters here. */
export interface Told {
  position: number;
  alarm: { id: string };
}

/** A flood that is on. */
export interface Flood {
  on: boolean;
  at: string;
  count: number;
}

export interface Port {
  postMessage(message: Message): void;
}

type Open = (url: () => string, types: readonly string[], events: StreamEvents, silentMaxMs?: number) => () => void;

const KEPT_ALARMS_MAX = 20_000;

/** The feed says something every two seconds. */
const FEED_SILENT_MAX_MS = 5_000;

export class Hub {
  private readonly points = new Set<Port>();
  private readonly alarms = new Set<Port>();
  private readonly commands = new Set<Port>();
  private readonly connected = { points: false, alarms: false, commands: false };
  private readonly started = { points: false, alarms: false, commands: false };
  private latest: Snapshot | undefined;
  /** The latest transition of each alarm, in order: as many as there are alarms, however much they chatter. */
  private readonly latestOf = new Map<string, Told>();
  private heardUntil = 0;
  private flood: Flood | null = null;

  constructor(private readonly open: Open = openStream) {}

  handle(port: Port, request: Join): void {
    if ("leave" in request) {
      this.points.delete(port);
      this.alarms.delete(port);
      this.commands.delete(port);
    } else if (request.join === "points") this.joinPoints(port);
    else if (request.join === "commands") this.joinCommands(port);
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
    port.postMessage({ stream: "alarms", flood: this.flood });
    for (const transition of this.latestOf.values()) {
      if (transition.position > after) port.postMessage({ stream: "alarms", transition });
    }
    if (this.started.alarms) return;
    this.started.alarms = true;
    this.heardUntil = after;
    const events = {
      onEvent: (type: string, data: unknown) => this.takeNews(type, data),
      onState: (connected: boolean) => {
        // A feed that is opened anew says at once if a flood is on.
        if (connected) this.takeFlood(null);
        this.tellState("alarms", this.alarms, connected);
      },
    };
    const url = (): string => `/api/v1/alarms/feed?after=${this.heardUntil}`;
    this.open(url, ["alarm", "flood", "position"], events, FEED_SILENT_MAX_MS);
  }

  private joinCommands(port: Port): void {
    this.commands.add(port);
    if (this.started.commands) return;
    this.started.commands = true;
    let opened = false;
    const tell = (message: Message): void => this.commands.forEach((each) => each.postMessage(message));
    this.open(() => "/api/v1/commands/stream", ["command", "lost"], {
      onEvent: (type, data) => tell(type === "lost" ? { stream: "commands", lost: true } : { stream: "commands", news: data }),
      onState: (connected) => {
        // What happened while it was away is not told again.
        if (connected && opened) tell({ stream: "commands", lost: true });
        opened ||= connected;
        this.tellState("commands", this.commands, connected);
      },
    });
  }

  private takeNews(type: string, data: unknown): void {
    if (type === "alarm") this.takeTransition(data as Told);
    else if (type === "flood") this.takeFlood(data as Flood);
    else {
      this.heardUntil = Math.max(this.heardUntil, (data as { position: number }).position);
      for (const port of this.alarms) port.postMessage({ stream: "alarms", position: this.heardUntil });
    }
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

  private takeFlood(flood: Flood | null): void {
    this.flood = flood?.on ? flood : null;
    for (const port of this.alarms) port.postMessage({ stream: "alarms", flood: this.flood });
  }

  private takeTransition(transition: Told): void {
    // A feed that was opened anew may repeat itself.
    if (transition.position <= this.heardUntil) return;
    this.heardUntil = transition.position;
    const { id } = transition.alarm;
    this.latestOf.delete(id);
    this.latestOf.set(id, transition);
    const oldest = this.latestOf.size > KEPT_ALARMS_MAX ? this.latestOf.keys().next().value : undefined;
    if (oldest !== undefined) this.latestOf.delete(oldest);
    for (const port of this.alarms) port.postMessage({ stream: "alarms", transition });
  }

  private tellState(stream: "points" | "alarms" | "commands", ports: Set<Port>, connected: boolean): void {
    this.connected[stream] = connected;
    for (const port of ports) port.postMessage({ stream, connected });
  }
}
