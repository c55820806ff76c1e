import { get, type Alarm, type Schemas } from "./api";
import { latestOnly } from "./latest";
import { addressOf, router } from "./router.svelte";
import { pageNamed, type PageName } from "./pages";
import type { Present } from "./values.svelte";

type State = Schemas["State"];
type Then = Schemas["DeviceThen"];

/** Pictures of the building that are kept: sliding back and forth asks for none of them again. */
const KEPT_MAX = 40;

/** The building at a moment. */
export interface Picture {
  at: number;
  points: ReadonlyMap<string, Present>;
  alarms: readonly Alarm[];
  devices: ReadonlyMap<string, Then>;
}

/** The time machine: which moment is looked at, and the building as it stood then. */
export class Past {
  /** ms; null: the present. */
  at = $state<number | null>(null);
  /** The latest that came; while another is asked for, it stays. */
  picture = $state.raw<Picture>();
  /** Why the moment cannot be shown, in the service's words. */
  refusal = $state("");

  private readonly kept = new Map<number, Picture>();
  private direction = 0;
  private readonly asked = latestOnly((at: number) => this.ask(at));

  get on(): boolean {
    return this.at !== null;
  }

  /** The picture is not that of the moment yet. */
  get waiting(): boolean {
    return this.at !== null && this.picture?.at !== this.at && !this.refusal;
  }

  /** Follow the address. A plain link from one page of the plant to another stays in the past. */
  follow(page: PageName, at: string | null): void {
    const has = hasPast(page);
    const moment = at === null ? NaN : Date.parse(at);
    if (has && !Number.isNaN(moment)) this.look(moment);
    else if (has && this.at !== null) this.keep();
    else this.look(null);
  }

  /** Look at a moment, and say so in the address. */
  go(at: number | null): void {
    this.look(at);
    this.keep();
  }

  /** Address of a page that shows the moment that is looked at. */
  address(page: PageName, item = "", values: Record<string, string> = {}): string {
    return addressOf(page, this.at === null ? values : { ...values, at: stamp(this.at) }, item);
  }

  private look(at: number | null): void {
    if (at === this.at) return;
    this.direction = at === null || this.at === null ? 0 : at - this.at;
    this.at = at;
    this.refusal = "";
    if (at === null) return;
    const known = this.kept.get(at);
    if (known) this.picture = known;
    else this.asked(at);
  }

  private keep(): void {
    const values = Object.fromEntries(router.place.query);
    router.keep({ ...values, at: this.at === null ? "" : stamp(this.at) });
  }

  private async ask(at: number): Promise<void> {
    try {
      const picture = pictureOf(await get<State>(`/state?at=${encodeURIComponent(stamp(at))}`), at);
      this.kept.set(at, picture);
      const oldest = this.kept.size > KEPT_MAX ? this.kept.keys().next().value : undefined;
      if (oldest !== undefined) this.kept.delete(oldest);
      if (this.at === null) return;
      // While sliding, each picture that came is better than an older one; what was fetched ahead waits for its turn.
      if (this.at === at || !this.kept.has(this.at)) this.picture = picture;
      this.refusal = "";
      const ahead = at + this.direction;
      if (this.at === at && this.direction && ahead <= Date.now() && !this.kept.has(ahead)) this.asked(ahead);
    } catch (error) {
      if (this.at === at) this.refusal = error instanceof Error ? error.message : String(error);
    }
  }
}

/** Whether a page can show the past. */
export function hasPast(page: PageName): boolean {
  const row = pageNamed(page);
  return row !== undefined && "past" in row;
}

/** A moment as addresses and questions name it. */
export const stamp = (at: number): string => new Date(at).toISOString().replace(".000Z", "Z");

function pictureOf(state: State, at: number): Picture {
  const { names, v, q, reason, t } = state.points;
  const points = new Map<string, Present>();
  names.forEach((name, place) => {
    const time = t[place];
    points.set(name, {
      value: v[place] ?? null,
      severity: q[place] ?? "bad",
      reason: reason[place] ?? null,
      at: time ? Date.parse(time) : 0,
      history: [],
    });
  });
  return { at, points, alarms: state.alarms, devices: new Map(state.devices.map((device) => [device.name, device])) };
}

export const past = new Past();
