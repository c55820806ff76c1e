import type { i18n as I18n } from "../i18n.svelte";
import type { TextKey } from "../texts";
import type { Exception, States } from "./model";

type Words = typeof I18n;
export const WEEKDAYS = ["sched_mon", "sched_tue", "sched_wed", "sched_thu", "sched_fri", "sched_sat", "sched_sun"] as const satisfies readonly TextKey[];

/** A value in the words of its point's states, or as a number; none gives up. */
export function valueText(words: Words, value: number | null, states: States, unit = ""): string {
  if (value === null) return words.t("sched_giveUpShort");
  const state = states[String(value)];
  return state ? words.pick(state) : `${value}${unit ? ` ${unit}` : ""}`;
}

/** The days of an exception, in words. */
export function daysText(words: Words, { days }: Exception): string {
  if (days.form === "calendar") return words.t(days.kind === "holiday" ? "sched_onHolidays" : "sched_onWorkdays");
  if (days.form === "dates") return days.last && days.last !== days.first ? `${days.first} – ${days.last}` : (days.first ?? "");
  const any = words.t("sched_any");
  return words.t("sched_weekNDay", { month: days.month ?? any, week: days.week ?? any, weekday: days.weekday ?? any });
}
