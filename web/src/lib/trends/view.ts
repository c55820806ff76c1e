/** What a trend shows, as its address says it. */

import { daysBefore } from "../zone";

export const PENS_MAX = 8;
const HOUR_MS = 3_600_000;

/** Spans that a button offers, by the text that stands for them in an address. */
export const SPANS = {
  "15m": HOUR_MS / 4, "1h": HOUR_MS, "8h": 8 * HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS, "30d": 720 * HOUR_MS, "1y": 8_760 * HOUR_MS,
} as const;
export type SpanName = keyof typeof SPANS;
export const SPAN_MIN_MS = 10_000;
export const SPAN_MAX_MS = 20 * SPANS["1y"];

/** Days by which the same points are shown once more. A year of weeks keeps the day of the week. */
export const OVERLAYS = { day: 1, week: 7, year: 364 } as const;
export type Overlay = keyof typeof OVERLAYS;

export interface View {
  pens: string[];
  /** Follows the present, showing this span; null: stands still between `from` and `to`. */
  last: SpanName | null;
  /** ms UTC. */
  from: number;
  to: number;
  overlay: Overlay | null;
  /** Each sample, also where buckets would look the same. */
  raw: boolean;
  limits: boolean;
  events: boolean;
  table: boolean;
}

const spanNamed = (text: string | null): SpanName | null => (text !== null && Object.hasOwn(SPANS, text) ? (text as SpanName) : null);

/** The view of an address; without a range the last eight hours. */
export function viewOf(query: URLSearchParams, now: number): View {
  const pens = [...new Set((query.get("p") ?? "").split(",").filter(Boolean))].slice(0, PENS_MAX);
  const from = Date.parse(query.get("from") ?? "");
  const to = Date.parse(query.get("to") ?? "");
  const isFixed = from < to;
  const last = isFixed ? null : (spanNamed(query.get("last")) ?? "8h");
  const overlay = query.get("over");
  return {
    pens,
    last,
    ...(last ? { from: now - SPANS[last], to: now } : { from, to }),
    overlay: overlay !== null && Object.hasOwn(OVERLAYS, overlay) ? (overlay as Overlay) : null,
    raw: query.get("raw") === "1",
    limits: query.get("limits") === "1",
    events: query.get("events") !== "0",
    table: query.get("table") === "1",
  };
}

/** What stands in the address of a view. */
export function queryOf(view: View): Record<string, string> {
  const range: Record<string, string> = view.last
    ? { last: view.last }
    : { from: new Date(view.from).toISOString(), to: new Date(view.to).toISOString() };
  return {
    p: view.pens.join(","),
    ...range,
    over: view.overlay ?? "",
    raw: view.raw ? "1" : "",
    limits: view.limits ? "1" : "",
    events: view.events ? "" : "0",
    table: view.table ? "1" : "",
  };
}

/** A view of another range, within what can be shown; it stands still. */
export function between(view: View, from: number, to: number): View {
  const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, to - from));
  const middle = (from + to) / 2;
  return { ...view, last: null, from: Math.round(middle - span / 2), to: Math.round(middle + span / 2) };
}

/** Nearer (`factor` < 1) or farther, about a place between 0 (left) and 1. */
export function zoomed(view: View, factor: number, place = 0.5): View {
  const at = view.from + place * (view.to - view.from);
  const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, (view.to - view.from) * factor));
  return between(view, at - place * span, at + (1 - place) * span);
}

/** Moved by a share of what is shown; to the right is later. */
export const moved = (view: View, share: number): View =>
  between(view, view.from + share * (view.to - view.from), view.to + share * (view.to - view.from));

/** By how much (ms) an overlay's times are later when they are drawn than when they were. */
export const shiftOf = (view: View, overlay: Overlay, zone: string): number =>
  view.from - daysBefore(view.from, OVERLAYS[overlay], zone);
