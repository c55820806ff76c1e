import type { Schemas } from "./api";
import { dayOf, momentOf } from "./days";

/** What the pages of systems ask for. */
export type Balance = Schemas["BalanceAnswer"];
export type Charging = Schemas["Charging"];
export type History = Schemas["History"];
export type NightFlows = Schemas["NightFlows"];
export type Rainwater = Schemas["Rainwater"];
export type WaterUse = Schemas["WaterUse"];
export type Air = Schemas["Air"];
export type AirCompliance = Schemas["Compliance"];
export type AirExceedances = Schemas["Exceedances"];
export type Exceedance = AirExceedances["items"][number];
export type AirInspections = Schemas["InspectionPage"];
export type AirMonitors = Schemas["MonitorList"];
export type UnmetHours = Schemas["UnmetCooling"];

const HOUR_MS = 3_600_000;
const QUARTER_MS = 900_000;

/** The last whole hour before a moment, as the service takes it. */
export function lastHourOf(at: number): { from: string; to: string } {
  const end = Math.floor(at / HOUR_MS) * HOUR_MS;
  return { from: new Date(end - HOUR_MS).toISOString(), to: new Date(end).toISOString() };
}

/** The whole quarter hours of some days before a moment, as a question names them: `from=…&to=…`. */
export function daysBefore(at: number, days: number): string {
  const end = Math.floor(at / QUARTER_MS) * QUARTER_MS;
  return `from=${new Date(end - days * 24 * HOUR_MS).toISOString()}&to=${new Date(end).toISOString()}`;
}

/** The last whole days of the building before a moment, up to midnight: `from=…&to=…`. */
export function wholeDays(at: number, days: number, timeZone: string): string {
  const day = dayOf(at, timeZone);
  const first = new Date(Date.parse(`${day}T00:00Z`) - days * 24 * HOUR_MS).toISOString().slice(0, 10);
  const [from, to] = [first, day].map((one) => new Date(momentOf(one, 0, timeZone)).toISOString());
  return `from=${from}&to=${to}`;
}
