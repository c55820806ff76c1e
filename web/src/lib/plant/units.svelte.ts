import type { Point, Text } from "../api";
import { digitsOf } from "../figures";
import { i18n } from "../i18n.svelte";
import { model } from "../model.svelte";
import { past } from "../past.svelte";
import { values } from "../values.svelte";
import { conditionOf, tellsCondition, type Condition } from "./condition";

/** A piece of equipment with its points by role. */
export interface Unit {
  name: string;
  text: Text;
  cls: string;
  system: string;
  floor: string;
  zone: string;
  fedBy: readonly string[];
  points: ReadonlyMap<string, Point>;
}

/** All equipment of the building as pages of systems draw it. */
class Units {
  all: readonly Unit[] = $derived(
    model.equipment.map((item) => ({
      name: item.name,
      text: item.text,
      cls: item.equipment_class,
      system: item.system,
      floor: item.floor,
      zone: item.zone,
      fedBy: item.fed_by,
      points: new Map(model.pointsOf(item.name).map((point) => [point.role, point])),
    })),
  );
  private readonly byClass = $derived(Map.groupBy(this.all, (unit) => unit.cls));

  /** Units of some classes, in the order of the classes, by name within each. */
  of(...classes: string[]): Unit[] {
    return classes.flatMap((name) => this.byClass.get(name) ?? []);
  }
}
export const units = new Units();

/** The last part of a name: what people call a unit by. */
export const shortName = (name: string): string => name.split(".").at(-1) ?? name;

/** The moment that is looked at, ms. */
export const moment = (): number => past.at ?? Date.now();

/** A point's value as far as one can go by it: a bad one is not known. */
export function valueOf(unit: Unit, role: string): number | null {
  const point = unit.points.get(role);
  if (!point) return null;
  const { value, severity } = values.of(point.name);
  return severity === "bad" ? null : value;
}

/** A value in words: the state's name, or the number to the point's precision. */
export function worded(point: Point, value: number | null, digits = digitsOf(point)): string {
  if (value === null) return "—";
  const state = point.states[String(value)];
  return state ? i18n.pick(state) : i18n.number(value, digits);
}

/** A figure that pages reckon; a dash where it is not known. */
export const figure = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined ? "—" : i18n.number(value, digits);

/** Points of a unit whose state is out of the ordinary, or not known. */
export function oddPoints(unit: Unit): { point: Point; condition: Condition }[] {
  return [...unit.points.values()].flatMap((point) => {
    if (!tellsCondition(unit.cls, point.role)) return [];
    const condition = conditionOf(unit.cls, point.role, valueOf(unit, point.role));
    return condition === "normal" ? [] : [{ point, condition }];
  });
}

export const RANK_ODD = 5;
export const RANK_UNKNOWN = 6;
export const RANK_NORMAL = 7;

/** How far a unit is from normal: its worst alarm's priority, then a state out of the ordinary, then what is not known. */
export function rankOf(unit: Unit): number {
  const alarm = values.worstOf(unit.name);
  if (alarm) return alarm.priority;
  const odd = oddPoints(unit);
  if (odd.some((one) => one.condition === "abnormal")) return RANK_ODD;
  return odd.length > 0 ? RANK_UNKNOWN : RANK_NORMAL;
}

/** Units, the least normal first; the others as they were. */
export const byRank = (some: readonly Unit[]): Unit[] =>
  some.map((unit) => ({ unit, rank: rankOf(unit) })).sort((a, b) => a.rank - b.rank).map(({ unit }) => unit);
