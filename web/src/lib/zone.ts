/** Wall-clock time of a zone: what is entered and shown is the building's, wherever the browser is. */

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  return format;
}

/** The zone's clock at a time, as ms of a UTC day that shows the same. */
function wallMs(at: number, zone: string): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % 1_000) + 1_000) % 1_000);
}

/** The time at which the zone's clock shows this; of an hour that a change of clocks skips, the one after it. */
function fromWallMs(wall: number, zone: string): number {
  const guess = wall - (wallMs(wall, zone) - wall);
  return wall - (wallMs(guess, zone) - guess);
}

/** What an `<input type="datetime-local">` shows for a time (ms). */
export const toWall = (at: number, zone: string): string => new Date(wallMs(at, zone)).toISOString().slice(0, 16);

/** Time (ms) of what such an input says; NaN for what is no time. */
export function fromWall(text: string, zone: string): number {
  const wall = Date.parse(`${text}Z`);
  return Number.isNaN(wall) ? NaN : fromWallMs(wall, zone);
}

/** The same wall-clock time, this many days before. */
export const daysBefore = (at: number, days: number, zone: string): number => fromWallMs(wallMs(at, zone) - days * DAY_MS, zone);
