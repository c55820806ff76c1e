/** A point's history as it is drawn: times and values as columns, and stretches of time that are not good. */

import { aged, UNCERTAIN_FROM } from "../ageing";
import type { Point, Schemas } from "../api";

export type Samples = Schemas["Samples"];
export type Trend = Schemas["Trend"];
export type Gap = Schemas["Gap"];
export type Doubt = "uncertain" | "bad" | "gap";

/** A stretch of time (s UTC) of which something is to be said. */
export interface Stretch {
  from: number;
  to: number;
  doubt: Doubt;
}

export interface Trace {
  point: Point;
  /** s UTC. */
  t: number[];
  /** Null parts the line. */
  v: (number | null)[];
  /** Least and greatest of each bucket; samples have none. */
  low?: (number | null)[];
  high?: (number | null)[];
  /** Length of a bucket, as `1h`; null: samples. */
  interval: string | null;
  doubts: Stretch[];
  /** Samples at the end are missing: there were too many. */
  truncated: boolean;
}

/** A bucket that is known by less than this is marked. */
const COVERAGE_MIN = 0.99;

/** Digits of a text from a place on, as a number. */
function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let place = from; place < from + count; place += 1) value = 10 * value + text.charCodeAt(place) - 48;
  return value;
}

const day = { text: "", at: 0 };

/** Seconds of a time as the service writes it, `2026-07-01T00:00:00.000Z`: a day is read once, for there are 100,000 times. */
export function seconds(text: string): number {
  if (text.length !== 24) return Date.parse(text) / 1_000;
  const today = text.slice(0, 10);
  if (today !== day.text) [day.text, day.at] = [today, Date.parse(`${today}T00:00Z`) / 1_000];
  return day.at + digits(text, 11, 2) * 3_600 + digits(text, 14, 2) * 60 + digits(text, 17, 2) + digits(text, 20, 3) / 1_000;
}

/** Whether a value of this age (s) no longer says anything about the present. */
const isStale = (ageS: number, scanS: number): boolean => aged(0, ageS * 1_000, scanS) >= UNCERTAIN_FROM;

function add(doubts: Stretch[], from: number, to: number, doubt: Doubt): void {
  const last = doubts.at(-1);
  if (last && last.doubt === doubt && from <= last.to) last.to = Math.max(last.to, to);
  else if (to > from) doubts.push({ from, to, doubt });
}

/** Trace of samples within a time (s). A silence after which a value counts no more parts the line. */
export function ofSamples(point: Point, samples: Samples, begin: number, end: number): Trace {
  const t: number[] = [];
  const v: (number | null)[] = [];
  const doubts: Stretch[] = [];
  const times = samples.t.map((text) => seconds(text));
  const first = times[0] ?? end;
  if (isStale(first - begin, point.scan_s)) add(doubts, begin, first, "gap");
  times.forEach((at, index) => {
    const before = t.at(-1);
    if (before !== undefined && isStale(at - before, point.scan_s)) {
      t.push((before + at) / 2);
      v.push(null);
      add(doubts, before, at, "gap");
    }
    t.push(at);
    v.push(samples.v[index] ?? null);
    const quality = samples.q[index];
    const next = times[index + 1] ?? at + point.scan_s;
    if (quality !== "good") add(doubts, at, isStale(next - at, point.scan_s) ? at + point.scan_s : next, quality === "bad" ? "bad" : "uncertain");
  });
  const last = t.at(-1);
  if (last !== undefined && !samples.truncated && isStale(end - last, point.scan_s)) add(doubts, last, end, "gap");
  return { point, t, v, interval: null, doubts, truncated: samples.truncated };
}

/** Trace of buckets; one that is not over by `now` (s) is not yet incomplete. */
export function ofBuckets(point: Point, trend: Trend, now: number): Trace {
  const t = trend.t.map((text) => seconds(text));
  const doubts: Stretch[] = [];
  t.forEach((at, index) => {
    const end = t[index + 1] ?? at + (at - (t[index - 1] ?? at));
    if (end > now) return;
    if (trend.v[index] === null) add(doubts, at, end, "gap");
    else if ((trend.coverage?.[index] ?? 1) < COVERAGE_MIN) add(doubts, at, end, "uncertain");
  });
  return { point, t, v: trend.v, low: trend.low ?? undefined, high: trend.high ?? undefined, interval: trend.interval, doubts, truncated: false } as Trace;
}

/** What the gap ledger knows beside what is seen in the samples. */
export function withLedger(trace: Trace, gaps: readonly Gap[], now: number): Trace {
  const known = gaps.map((gap): Stretch => ({ from: seconds(gap.since), to: gap.until ? seconds(gap.until) : now, doubt: "gap" }));
  return { ...trace, doubts: [...trace.doubts, ...known] };
}

/** The same trace at later times: an overlay. */
export const shifted = (trace: Trace, byS: number): Trace => ({ ...trace, t: trace.t.map((at) => at + byS) });

export interface Read {
  /** s UTC of the sample, or of the bucket's begin. */
  at: number;
  value: number | null;
  low: number | null;
  high: number | null;
  doubt: Doubt | null;
}

/** What a trace says of a time (s): the last sample before it or the bucket around it; nothing before its begin. */
export function readAt(trace: Trace, time: number): Read | null {
  let low = 0;
  let high = trace.t.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (trace.t[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  const index = low - 1;
  if (index < 0) return null;
  const doubt = trace.doubts.findLast((stretch) => stretch.from <= time && time < stretch.to)?.doubt ?? null;
  const at = trace.t[index]!;
  const isOver = trace.interval === null && isStale(time - at, trace.point.scan_s);
  return {
    at,
    value: isOver ? null : (trace.v[index] ?? null),
    low: trace.low?.[index] ?? null,
    high: trace.high?.[index] ?? null,
    doubt: isOver ? "gap" : doubt,
  };
}

/** The next or previous time (s) at which any trace has a value. */
export function stepFrom(traces: readonly Trace[], time: number, later: boolean): number {
  let best = later ? Infinity : -Infinity;
  for (const { t } of traces)
    for (const at of t) if (later ? at > time && at < best : at < time && at > best) best = at;
  return Number.isFinite(best) ? best : time;
}

/** Every time (s) at which any trace has a value, in order, each once. */
export const timesOf = (traces: readonly Trace[]): number[] =>
  [...new Set(traces.flatMap(({ t, v }) => t.filter((_, index) => v[index] !== null)))].sort((a, b) => a - b);
