import type { Schemas } from "./api";

/** What the energy page asks for besides the comparison. */
export type Amounts = Schemas["AmountsAnswer"];
export type Baselines = Schemas["BaselinePage"];
export type Carbon = Schemas["Carbon"];
export type Measures = Schemas["MeasurePage"];
export type Peaks = Schemas["PeakCalendarAnswer"];
export type Savings = Schemas["Savings"];
export type Tenants = Schemas["TenantsAnswer"];
export type WhatIf = Schemas["WhatIfAnswer"];

/** Hours of days as rows of 24; an hour that the service told nothing of, or that no day of the zone has, is null. */
export function daysOfHours(
  times: readonly string[],
  amounts: readonly (number | null)[],
  dayOf: (at: number) => string,
  hourOf: (at: number) => number,
): { day: string; hours: (number | null)[] }[] {
  const rows = new Map<string, (number | null)[]>();
  times.forEach((time, place) => {
    const at = Date.parse(time);
    const day = dayOf(at);
    const hours = rows.get(day) ?? Array<number | null>(24).fill(null);
    hours[hourOf(at)] = amounts[place] ?? null;
    rows.set(day, hours);
  });
  return [...rows].map(([day, hours]) => ({ day, hours }));
}
