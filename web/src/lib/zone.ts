/** Wall-clock texts of the building: what is entered and shown is its time, wherever the browser is. */

import { dayOf, minuteOf, momentOf } from "./days";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const two = (number: number): string => String(number).padStart(2, "0");

/** What an `<input type="datetime-local">` shows for a time (ms), to the minute. */
export function toWall(at: number, zone: string): string {
  const minute = minuteOf(at, zone);
  return `${dayOf(at, zone)}T${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** Time (ms) of what such an input says; NaN for what is no time. */
export function fromWall(text: string, zone: string): number {
  const [day = "", clock = ""] = text.split("T");
  const [hour = NaN, minute = NaN, second = 0] = clock.split(":").map(Number);
  return momentOf(day, hour * 60 + minute + second / 60, zone);
}

/** The same wall-clock time, this many days before. */
export function daysBefore(at: number, days: number, zone: string): number {
  const day = new Date(Date.parse(dayOf(at, zone)) - days * DAY_MS).toISOString().slice(0, 10);
  return momentOf(day, minuteOf(at, zone), zone) + (((at % MINUTE_MS) + MINUTE_MS) % MINUTE_MS);
}
