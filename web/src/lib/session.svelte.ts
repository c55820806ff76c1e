import { get, post, remove, whenSignedOut, type Schemas } from "./api";
import { placesOf } from "./places";

export type Permission = keyof Schemas["Session"]["permissions"] & string;

const EVERYWHERE = "*";
/** A person at work tells the service so, once in a while. */
const TOLD_EVERY_MS = 30_000;
/** So long before the end it is announced. */
const ANNOUNCED_MS = 60_000;

/** Who is signed in here, what they may do where, and until when. */
class Session {
  who = $state.raw<Schemas["Session"] | null>(null);
  /** The service was asked: before, nobody knows whether somebody is signed in. */
  asked = $state(false);
  /** It was over while somebody worked: the address stays, so that they go on where they were. */
  expired = $state(false);
  private toldAt = 0;
  private checking = false;

  constructor() {
    whenSignedOut(() => this.ended());
  }

  /** Ask who is signed in; throws when the service cannot be reached. */
  async load(): Promise<void> {
    try {
      this.take(await get<Schemas["Session"]>("/session"));
    } finally {
      this.asked = true;
    }
  }

  take(who: Schemas["Session"]): void {
    this.who = who;
    this.asked = true;
    this.expired = false;
    this.toldAt = Date.now();
  }

  /** Whether they may do something: where a piece of equipment, a point, a floor or a zone is; else anywhere at all. */
  may(permission: Permission, where?: string): boolean {
    const zones = this.who?.permissions[permission];
    if (!zones) return false;
    return where === undefined || zones.includes(EVERYWHERE) || placesOf(where).some((place) => zones.includes(place));
  }

  /** Seconds until the session ends unless somebody does something; undefined: it is not near. */
  endsIn(now: number): number | undefined {
    if (!this.who || this.who.idle_s === null) return undefined;
    const left = Date.parse(this.who.ends_at) - now;
    return left < ANNOUNCED_MS ? Math.max(0, Math.ceil(left / 1000)) : undefined;
  }

  /** Somebody did something here. */
  active(): void {
    if (!this.who || this.who.idle_s === null || Date.now() - this.toldAt < TOLD_EVERY_MS) return;
    void this.stay();
  }

  async stay(): Promise<void> {
    this.toldAt = Date.now();
    try {
      this.take(await post<Schemas["Session"]>("/session/activity", {}));
    } catch {
      // Away or over: the next answer says which.
    }
  }

  /** Every second: near its end ask whether another tab kept the session, and at its end see that it is over. */
  async tick(now: number): Promise<void> {
    const left = this.endsIn(now);
    if (left === undefined || this.checking || (left > 0 && left % 15 !== 0)) return;
    this.checking = true;
    try {
      this.who = await get<Schemas["Session"]>("/session");
    } catch {
      // Away or over, as above.
    } finally {
      this.checking = false;
    }
  }

  async signOut(): Promise<void> {
    try {
      await remove("/session");
    } finally {
      location.hash = "#/";
      location.reload();
    }
  }

  private ended(): void {
    this.expired = this.who !== null;
    this.who = null;
  }
}

export const session = new Session();
