import type { Alarm } from "./api";
import type { Place } from "./rows";
import { Loudspeaker, SoundDesk } from "./sound";

/** This console's sound: off until somebody switches it on, since browsers allow none before. */
class ConsoleSound {
  on = $state(false);
  silencedUntil = $state(0);
  private readonly desk = new SoundDesk();
  private readonly loudspeaker = new Loudspeaker();

  async toggle(): Promise<void> {
    await (this.on ? this.loudspeaker.stop() : this.loudspeaker.start());
    this.on = this.loudspeaker.on;
  }

  silence(now: number): void {
    this.desk.silence(now);
    this.silencedUntil = this.desk.silencedUntil;
  }

  tick(now: number, waiting: readonly Alarm[], places: ReadonlyMap<string, Place>, inFlood: boolean): void {
    if (!this.on) return;
    const heard = waiting.map(({ id, priority }) => ({ id, priority, group: places.get(id)?.group ?? null }));
    const tone = this.desk.due(heard, inFlood, now);
    if (tone !== null) this.loudspeaker.play(tone);
    this.on = this.loudspeaker.on;
  }
}

export const sound = new ConsoleSound();
