/** Days and minutes in the building's zone, whatever the zone of the console. */

export const DAY_MINUTES = 1_440;
const MINUTE_MS = 60_000;

const parts = new Map<string, Intl.DateTimeFormat>();

/** What the building's clocks show at a moment, as if that were UTC; ms. */
function shown(at: number, timeZone: string): number {
  let format = parts.get(timeZone);
  if (!format) {
    const fields = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" } as const;
    parts.set(timeZone, (format = new Intl.DateTimeFormat("en-CA", { ...fields, hourCycle: "h23", timeZone })));
  }
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year ?? 0, (part.month ?? 1) - 1, part.day, part.hour, part.minute);
}

/** Day of a moment, as `2026-06-30`. */
export const dayOf = (at: number, timeZone: string): string => new Date(shown(at, timeZone)).toISOString().slice(0, 10);

/** Minute of its day, 0 to 1439. */
export const minuteOf = (at: number, timeZone: string): number =>
  Math.floor(shown(at, timeZone) / MINUTE_MS) % DAY_MINUTES;

/** Moment of a day's minute, ms; NaN for what is no day. */
export function momentOf(day: string, minute: number, timeZone: string): number {
  const wanted = Date.parse(`${day}T00:00Z`) + minute * MINUTE_MS;
  if (Number.isNaN(wanted)) return NaN;
  // Twice: the first guess may lie on the other side of a change of the clocks.
  const first = wanted - (shown(wanted, timeZone) - wanted);
  return first - (shown(first, timeZone) - wanted);
}
