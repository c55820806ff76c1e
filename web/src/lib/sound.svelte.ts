import type { Alarm } from "./api";
import type { Place } from "./rows";
import { Loudspeaker, SoundDesk } from "./sound";

const STORED = "cityhall.onShift";

/** This console's sound: off until somebody begins a shift here, since browsers allow none before. */
class ConsoleSound {
  on = $state(false);
  /** Somebody keeps watch at this console: it ought to be heard. */
  wanted = $state(localStorage.getItem(STORED) === "yes");
  silencedUntil = $state(0);
  private readonly desk = new SoundDesk();
  private readonly loudspeaker = new Loudspeaker();

  /** It ought to be heard, and is not: the browser put the sound aside, or was started anew. */
  failed = $derived(this.wanted && !this.on);

  constructor() {
    // A wall view's browser may be heard without a press; for others `failed` says that it is not.
    if (this.wanted) this.loudspeaker.start().catch(() => undefined);
  }

  /** Begin a shift: the press of the button is what lets a browser be heard. Plays every tone. */
  async begin(): Promise<void> {
    this.want(true);
    try {
      await this.loudspeaker.start();
      this.loudspeaker.test();
    } catch {
      // There is no loudspeaker: `failed` says so.
    }
    this.on = this.loudspeaker.on;
  }

  async end(): Promise<void> {
    this.want(false);
    await this.loudspeaker.stop();
    this.on = false;
  }

  async toggle(): Promise<void> {
    await (this.on ? this.end() : this.begin());
  }

  test(): void {
    this.loudspeaker.test();
  }

  silence(now: number): void {
    this.desk.silence(now);
    this.silencedUntil = this.desk.silencedUntil;
  }

  tick(now: number, waiting: readonly Alarm[], places: ReadonlyMap<string, Place>, inFlood: boolean, isLost: boolean): void {
    if (!this.wanted) return;
    this.on = this.loudspeaker.on;
    if (!this.on) return;
    const heard = waiting.map(({ id, priority }) => ({ id, priority, group: places.get(id)?.group ?? null }));
    const tone = this.desk.due(heard, inFlood, now);
    if (tone !== null) this.loudspeaker.play(tone);
    if (this.desk.lostDue(isLost, now)) this.loudspeaker.play(1);
  }

  private want(wanted: boolean): void {
    this.wanted = wanted;
    localStorage.setItem(STORED, wanted ? "yes" : "no");
  }
}

export const sound = new ConsoleSound();
