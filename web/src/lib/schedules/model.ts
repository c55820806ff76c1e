import type { Schemas, Text } from "../api";

/** Schedules as the service tells them, and what a grid of hours shows of them. */
export type Booking = Schemas["BookingAnswer"];
export type BookingRules = Schemas["BookingRules"];
export type Bulk = Schemas["Bulk"];
export type Conflict = Schemas["ConflictAnswer"];
export type Entry = Schemas["EntryModel"];
export type Exception = Schemas["ExceptionModel"];
export type Fields = Schemas["ScheduleFields"];
export type InForce = Schemas["InForce"];
export type Scene = Schemas["SceneAnswer"];
export type Schedule = Schemas["ScheduleAnswer"];
export type SpecialDay = Schemas["SpecialDayAnswer"];
export type States = Record<string, Text>;

export const DAY_MIN = 1_440;
/** What a handle moves by; what is typed may be any minute. */
export const STEP_MIN = 15;
export const ENTRIES_MAX = 48;

/** Part of a day in which an entry's value holds. */
export interface Segment {
  from: number;
  to: number;
  value: number;
}

export function minuteOf(time: string): number {
  const [hours = "0", minutes = "0"] = time.split(":");
  return 60 * Number(hours) + Number(minutes);
}

export const timeOf = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

export const inOrder = (entries: readonly Entry[]): Entry[] => [...entries].sort((a, b) => minuteOf(a.at) - minuteOf(b.at));

/** Where values hold in a day; what gives up is none. */
export function segmentsOf(entries: readonly Entry[]): Segment[] {
  return inOrder(entries).flatMap((entry, index, all) => {
    const next = all[index + 1];
    const to = next ? minuteOf(next.at) : DAY_MIN;
    return entry.value === null ? [] : [{ from: minuteOf(entry.at), to, value: entry.value }];
  });
}

/** An entry at another time, between its neighbours; entries in order. */
export function moved(entries: readonly Entry[], index: number, minute: number): Entry[] {
  const before = entries[index - 1];
  const after = entries[index + 1];
  const least = before ? minuteOf(before.at) + 1 : 0;
  const most = after ? minuteOf(after.at) - 1 : DAY_MIN - 1;
  const at = timeOf(Math.min(Math.max(minute, least), most));
  return entries.map((entry, place) => (place === index ? { ...entry, at } : entry));
}

/** A new entry in the widest gap of a day: where somebody is likely to want one. */
export function withAnother(entries: readonly Entry[], value: number | null): Entry[] {
  if (entries.length === 0) return [{ at: "08:00", value }];
  const edges = [0, ...entries.map((entry) => minuteOf(entry.at)), DAY_MIN];
  let from = 0;
  let width = 0;
  for (let place = 1; place < edges.length - 1; place += 1) {
    const gap = edges[place + 1]! - edges[place]!;
    if (gap > width) [from, width] = [edges[place]!, gap];
  }
  const minute = Math.round((from + width / 2) / STEP_MIN) * STEP_MIN;
  return inOrder([...entries, { at: timeOf(Math.min(minute, DAY_MIN - 1)), value }]);
}

/** Days of the calendar sheet of a month (`2026-12`): whole weeks from Monday. */
export function sheetOf(month: string): string[] {
  const first = new Date(`${month}-01T00:00Z`);
  const lead = (first.getUTCDay() + 6) % 7;
  const days: string[] = [];
  for (let number = -lead; days.length < 42; number += 1) {
    const day = new Date(first);
    day.setUTCDate(1 + number);
    if (days.length % 7 === 0 && days.length > 0 && day.toISOString().slice(0, 7) > month) break;
    days.push(day.toISOString().slice(0, 10));
  }
  return days;
}

export function monthBeside(month: string, by: number): string {
  const date = new Date(`${month}-01T00:00Z`);
  date.setUTCMonth(date.getUTCMonth() + by);
  return date.toISOString().slice(0, 7);
}

export function dayBeside(day: string, by: number): string {
  const date = new Date(`${day}T00:00Z`);
  date.setUTCDate(date.getUTCDate() + by);
  return date.toISOString().slice(0, 10);
}

/** Exceptions of a schedule that name a day by its date. */
export const exceptionsOn = (fields: Fields | undefined, day: string): Exception[] =>
  (fields?.exceptions ?? []).filter(
    ({ days }) => days.form === "dates" && !!days.first && days.first <= day && day <= (days.last ?? days.first),
  );

/** Lines `point = value` of a scene; null for what cannot be read. */
export function valuesOf(text: string): Record<string, number> | null {
  const values: Record<string, number> = {};
  for (const line of text.split("\n").map((one) => one.trim()).filter(Boolean)) {
    const [name = "", told = ""] = line.split("=").map((part) => part.trim());
    const value = Number(told);
    if (!name || told === "" || !Number.isFinite(value)) return null;
    values[name] = value;
  }
  return values;
}

/** Words of a list, parted by spaces or commas. */
export const wordsOf = (text: string): string[] => text.split(/[\s,、，]+/).filter(Boolean);
