/** What uPlot draws of some pens: columns, lines and envelopes, axes and ticks. */

import uPlot from "uplot";
import { digitsOf } from "../figures";
import type { Point } from "../api";
import type { Pen } from "./ask";
import type { Trace } from "./trace";

/** Lines that can be told apart, away from the colours of alarms; each has its number at its end as well. */
export const COLOURS = {
  light: ["#1f4e79", "#00695c", "#6a1b9a", "#5d4037", "#ad1457", "#33691e", "#37474f", "#4527a0"],
  dark: ["#8ec5ff", "#7fd6c2", "#d3a4f5", "#d2b48c", "#f29ac0", "#b5d66f", "#cfd8dc", "#a9a4ff"],
} as const;
export type Theme = keyof typeof COLOURS;
const DASHED_FROM = 4;
const DASH = [9, 4];
const OVERLAY_DASH = [3, 4];

/** Points of one unit share a scale; states have their own. */
export const scaleOf = (point: Point): string => (Object.keys(point.states).length ? "state" : point.unit || "1");

/** Scales in the order of the pens; the first two have an axis. */
export const scalesOf = (pens: readonly Pen[]): string[] => [
  ...new Set(pens.flatMap(({ trace }) => (trace ? [scaleOf(trace.point)] : []))),
];

interface Column {
  scale: string;
  trace: Trace;
  role: "line" | "high" | "low" | "overlay";
  pen: number;
}

type Values = (number | null | undefined)[];

function columnsOf(pens: readonly Pen[]): Column[] {
  return pens.flatMap(({ trace, overlay }, pen) => {
    if (!trace) return [];
    const scale = scaleOf(trace.point);
    const roles: Column["role"][] = trace.low ? ["high", "low", "line"] : ["line"];
    const columns: Column[] = roles.map((role) => ({ scale, trace, role, pen }));
    return overlay ? [...columns, { scale, trace: overlay, role: "overlay", pen }] : columns;
  });
}

const valuesOf = ({ trace, role }: Column): Values => (role === "high" ? trace.high! : role === "low" ? trace.low! : trace.v);

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a === b || (a.length === b.length && a.every((at, index) => at === b[index]));

/** Columns over one column of times. Where times differ, a line goes on over those of the others. */
export function dataOf(pens: readonly Pen[]): uPlot.AlignedData {
  const columns = columnsOf(pens);
  const times = columns[0]?.trace.t ?? [];
  if (columns.every((column) => isSame(column.trace.t, times))) return [times, ...columns.map(valuesOf)] as uPlot.AlignedData;
  return uPlot.join(columns.map((column) => [column.trace.t, valuesOf(column)] as uPlot.AlignedData));
}

const isStepped = (point: Point): boolean => Object.keys(point.states).length > 0;

/** How each column is drawn. Of an envelope only its area is seen. */
export function seriesOf(pens: readonly Pen[], theme: Theme): uPlot.Series[] {
  const lines = columnsOf(pens).map(({ scale, trace, role, pen }): uPlot.Series => {
    const isLine = role === "line" || role === "overlay";
    return {
      scale,
      stroke: isLine ? COLOURS[theme][pen % COLOURS[theme].length] : "transparent",
      width: role === "overlay" ? 1 : 1.5,
      alpha: role === "overlay" ? 0.75 : 1,
      ...(role === "overlay" ? { dash: OVERLAY_DASH } : role === "line" && pen >= DASHED_FROM ? { dash: DASH } : {}),
      ...(isStepped(trace.point) ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
      ...(isLine ? {} : { points: { show: false } }),
    };
  });
  return [{}, ...lines];
}

/** Areas between the greatest and the least of each bucket. */
export function bandsOf(pens: readonly Pen[], theme: Theme): uPlot.Band[] {
  return columnsOf(pens).flatMap(({ role, pen }, index) =>
    role === "high" ? [{ series: [index + 1, index + 2] as [number, number], fill: `${COLOURS[theme][pen % COLOURS[theme].length]}33` }] : [],
  );
}

/** Texts of states for the ticks of their axis, where all pens that are states have the same ones. */
export function stateTexts(pens: readonly Pen[], pick: (text: { zh: string; en: string }) => string): Map<number, string> {
  const own = pens.flatMap(({ trace }) => (trace && isStepped(trace.point) ? [trace.point.states] : []));
  const texts = own.map((states) => JSON.stringify(states));
  if (new Set(texts).size !== 1) return new Map();
  return new Map(Object.entries(own[0]!).map(([state, text]) => [Number(state), pick(text)]));
}

/** Ticks of times, in the building's zone: days where a day begins, else the clock. */
export function timeTexts(zone: string, locale: string): uPlot.Axis.DynamicValues {
  const format = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale, { ...options, hourCycle: "h23", timeZone: zone });
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const second = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const day = format({ month: "2-digit", day: "2-digit" });
  const month = format({ year: "numeric", month: "2-digit" });
  return (_, splits, _axis, _space, step) => {
    let before = "";
    return splits.map((at) => {
      const date = new Date(at * 1_000);
      if (step >= 28 * 86_400) return month.format(date);
      if (step >= 86_400) return day.format(date);
      const today = day.format(date);
      const text = step < 60 ? second.format(date) : clock.format(date);
      const isNew = today !== before;
      before = today;
      return isNew ? `${text}\n${today}` : text;
    });
  };
}

/** Digits by which a pen's values are told. */
export const penDigits = (point: Point): number => Math.max(digitsOf(point), point.kind === "CI" ? 0 : 1);
