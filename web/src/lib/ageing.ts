/** What age takes from a value, by the same rule as the service (its snapshot is graded once, a picture must go on). */
export const UNCERTAIN_FROM = 0x40;
export const BAD_FROM = 0x80;
const UNCERTAIN_STALE = 0x41;
const BAD_STALE = 0x87;
const CLOCK_SET_MS = 60_000;

/** Quality of a value of this age; a time far ahead of us counts like one as far in the past. */
export function aged(code: number, ageMs: number, scanS: number): number {
  const age = Math.abs(ageMs) / 1_000;
  if (code < BAD_FROM && age > Math.max(10 * scanS, 900)) return BAD_STALE;
  if (code < UNCERTAIN_FROM && age > Math.max(3 * scanS, 60)) return UNCERTAIN_STALE;
  return code;
}

/** Whether a value may replace the one held: a late one is history, unless the building's clock was set back. */
export function supersedes(at: number, held: number, newest: number): boolean {
  return at >= held || held > newest + CLOCK_SET_MS;
}

/** The building's time as its own values tell it: the clock of a console may be wrong. */
export class BuildingClock {
  private ahead: number | undefined;

  /** Learn from the newest time of a message that came at `local` (both in ms). */
  heard(newest: number, local: number): void {
    if (newest <= 0) return;
    const ahead = newest - local;
    if (this.ahead === undefined || ahead > this.ahead || this.ahead - ahead > CLOCK_SET_MS) this.ahead = ahead;
  }

  now(local: number): number {
    return local + (this.ahead ?? 0);
  }
}
