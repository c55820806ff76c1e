/** Asks the service for what a view shows: buckets as many as there are pixels, or each sample where those are few. */

import { get, type Point, type Schemas } from "../api";
import { i18n } from "../i18n.svelte";
import { model } from "../model.svelte";
import { addressOfLimits, linesOf, type Line } from "../plant/limits";
import { ofBuckets, ofSamples, shifted, withLedger, type Gap, type Samples, type Trace, type Trend } from "./trace";
import { shiftOf, type View } from "./view";

/** Of all pens together; what is drawn in less than 0.2 s. */
export const SAMPLES_MAX = 100_000;
const BUCKETS_MAX = 5_000;
const GAPS_MAX = 500;
const MARKS_MAX = 300;

/** A pen, with what the service said of it. */
export interface Pen {
  name: string;
  trace: Trace | null;
  overlay: Trace | null;
  /** Limits of the rules in force, where they are wanted. */
  limits: readonly Line[];
  refusal: string;
}

/** Something that happened. */
export interface Mark {
  /** ms UTC. */
  at: number;
  kind: "alarm" | "command";
  priority: 1 | 2 | 3 | 4;
  text: { zh: string; en: string };
  id: string;
}

const range = (from: number, to: number): string =>
  `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;

/** Whether a point's samples are as few as its buckets would be, so that they can be shown themselves. */
function isSparse(point: Point, spanMs: number, buckets: number): boolean {
  return point.scan_s > 0 && spanMs / 1_000 / point.scan_s <= 2 * buckets;
}

async function traceOf(point: Point, from: number, to: number, view: View, width: number): Promise<Trace> {
  const path = `/points/${encodeURIComponent(point.name)}`;
  const buckets = Math.max(200, Math.min(BUCKETS_MAX, Math.round(width)));
  if (view.raw || isSparse(point, to - from, buckets)) {
    const limit = Math.floor(SAMPLES_MAX / Math.max(1, view.pens.length));
    const found = await get<Samples>(`${path}/samples?${range(from, to)}&limit=${limit}`);
    return ofSamples(point, found, from / 1_000, Math.min(to, Date.now()) / 1_000);
  }
  return ofBuckets(point, await get<Trend>(`${path}/trend?${range(from, to)}&points=${buckets}`), Date.now() / 1_000);
}

async function penOf(name: string, view: View, width: number, zone: string): Promise<Pen> {
  try {
    const point = model.point(name);
    if (!point) throw new Error(i18n.t("tr_none"));
    const shift = view.overlay ? shiftOf(view, view.overlay, zone) : 0;
    const [trace, overlay, gaps] = await Promise.all([
      traceOf(point, view.from, view.to, view, width),
      shift ? traceOf(point, view.from - shift, view.to - shift, view, width) : null,
      get<Schemas["GapPage"]>(`/gaps?point=${encodeURIComponent(name)}&${range(view.from, view.to)}&limit=${GAPS_MAX}`),
    ]);
    return {
      name,
      trace: withLedger(trace, gaps.items as Gap[], Math.min(Date.now(), view.to) / 1_000),
      overlay: overlay && shifted(overlay, shift / 1_000),
      limits: [],
      refusal: "",
    };
  } catch (error) {
    return { name, trace: null, overlay: null, limits: [], refusal: error instanceof Error ? error.message : String(error) };
  }
}

/** Every pen of a view. */
export async function pensOf(view: View, width: number, zone: string): Promise<Pen[]> {
  const [pens, limits] = await Promise.all([
    Promise.all(view.pens.map((name) => penOf(name, view, width, zone))),
    view.limits ? limitsOf(view.pens.filter((name) => model.point(name))) : null,
  ]);
  if (!limits) return pens;
  return pens.map((pen) => (pen.trace ? { ...pen, limits: linesOf(pen.trace.point, limits.get(pen.name) ?? [], false) } : pen));
}

/** Limits by point; none when the service does not say: they are not known then. */
async function limitsOf(names: readonly string[]): Promise<Map<string, Schemas["PointLimit"][]> | null> {
  if (!names.length) return null;
  const found = await get<Schemas["PointLimits"]>(addressOfLimits(names)).catch(() => null);
  return found && Map.groupBy(found.items, (limit) => limit.point);
}

/** Alarms of the pens' equipment that were raised, and commands to the pens, within the view. */
export async function marksOf(view: View): Promise<Mark[]> {
  const known = view.pens.flatMap((name) => model.point(name) ?? []);
  const equipment = [...new Set(known.map((point) => point.equipment))];
  const alarms = equipment.map((name) =>
    get<Schemas["TransitionPage"]>(`/alarms/history?equipment=${encodeURIComponent(name)}&${range(view.from, view.to)}&limit=${MARKS_MAX}`),
  );
  const commands = known.map((point) => get<Schemas["CommandPage"]>(`/commands?point=${encodeURIComponent(point.name)}&limit=100`));
  const marks: Mark[] = [];
  for (const page of await Promise.all(alarms))
    for (const { at, type, alarm } of page.items)
      if (type === "AlarmRaised") marks.push({ at: Date.parse(at), kind: "alarm", priority: alarm.priority as Mark["priority"], text: alarm.text, id: alarm.id });
  for (const page of await Promise.all(commands))
    for (const { command, begun_at, point, value } of page.items) {
      const at = Date.parse(begun_at);
      const text = `${point} := ${value ?? "–"}`;
      if (at >= view.from && at < view.to) marks.push({ at, kind: "command", priority: 4, text: { zh: text, en: text }, id: command });
    }
  return marks.sort((a, b) => a.at - b.at);
}
