/** When the console is heard: the most urgent alarm that waits, every ten seconds; in a flood once for each group. */
export interface Heard {
  id: string;
  priority: number;
  group: string | null;
}

const REPEAT_MS = 10_000;
const LOST_EVERY_MS = 60_000;
export const SILENCE_MS = 120_000;

export class SoundDesk {
  /** Until when nothing is heard; silencing acknowledges nothing. */
  silencedUntil = 0;
  private lastAt = -Infinity;
  private lostAt = -Infinity;
  private readonly heard = new Set<string>();

  /** Whether the tone is due that says that this console hears of no alarm any more: at once, then once a minute. */
  lostDue(isLost: boolean, now: number): boolean {
    if (!isLost) this.lostAt = -Infinity;
    if (!isLost || now - this.lostAt < LOST_EVERY_MS) return false;
    this.lostAt = now;
    return true;
  }

  silence(now: number): void {
    this.silencedUntil = now + SILENCE_MS;
  }

  /** Priority of the tone that is due now, or null. */
  due(waiting: readonly Heard[], inFlood: boolean, now: number): number | null {
    if (!inFlood) this.heard.clear();
    if (waiting.length === 0 || now < this.silencedUntil) return null;
    const named = (one: Heard): string => one.group ?? one.id;
    const fresh = inFlood ? waiting.filter((one) => !this.heard.has(named(one))) : waiting;
    if (fresh.length === 0 || now - this.lastAt < REPEAT_MS) return null;
    this.lastAt = now;
    if (inFlood) for (const one of fresh) this.heard.add(named(one));
    return Math.min(...fresh.map((one) => one.priority));
  }
}

const TONES_HZ = [0, 1_320, 990, 740, 550];
const TONE_S = 0.25;

/** The loudspeaker. Browsers keep it silent until somebody pressed something. */
export class Loudspeaker {
  private context: AudioContext | undefined;

  get on(): boolean {
    return this.context?.state === "running";
  }

  async start(): Promise<void> {
    this.context ??= new AudioContext();
    await this.context.resume();
  }

  /** Play the tone of each priority, so that people know that they will hear it, and which is which. */
  test(): void {
    for (const priority of [4, 3, 2, 1]) this.play(priority, (4 - priority) * 2 * TONE_S);
  }

  async stop(): Promise<void> {
    await this.context?.suspend();
  }

  play(priority: number, inS = 0): void {
    if (!this.context) return;
    const begin = this.context.currentTime + inS;
    const gain = new GainNode(this.context, { gain: 0.2 });
    const tone = new OscillatorNode(this.context, { frequency: TONES_HZ[priority] ?? 550, type: "triangle" });
    tone.connect(gain).connect(this.context.destination);
    tone.start(begin);
    tone.stop(begin + TONE_S);
  }
}
