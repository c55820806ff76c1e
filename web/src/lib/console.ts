import type { Alarm, Schemas } from "./api";

export type Explanation = Schemas["Explanation"];
export type AlarmHistory = Schemas["AlarmHistory"];
export type TransitionPage = Schemas["TransitionPage"];
export type PermitPage = Schemas["PermitPage"];
export type Permit = Schemas["Permit"];
export type HandOver = Schemas["HandOver"];
export type HandOverPage = Schemas["HandOverPage"];
export type HandOverWithLists = Schemas["HandOverWithLists"];
export type Figures = Schemas["cityhall_bms__api__figure_models__Figures"];
export type StaleAlarms = Schemas["StaleAlarms"];
export type FloodForensics = Schemas["FloodForensics"];

/** Views of the console in the order of their keys, 1 to 7. */
export const TABS = ["active", "shelved", "hidden", "history", "figures", "hand_over", "permits"] as const;
export type Tab = (typeof TABS)[number];

export const tabOf = (name: string | null): Tab => TABS.find((tab) => tab === name) ?? "active";

/** Which open alarms a view lists; none: it lists something else. */
export const LISTED: Partial<Record<Tab, (alarm: Alarm) => boolean>> = {
  active: (alarm) => !["SHLVD", "DSUPR", "OOSRV"].includes(alarm.state),
  shelved: (alarm) => alarm.state === "SHLVD",
  hidden: (alarm) => alarm.state === "DSUPR" || alarm.state === "OOSRV",
};

/** Parts of a rule's definition that say when it rings, in the order in which people ask. */
export const RULE_KEYS = ["condition", "when", "value", "deadband", "on_delay_s", "off_delay_s", "role"] as const;

/** A value of a definition as people read it. */
export function plain(value: unknown): string {
  if (value === null || value === undefined || value === "") return "";
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([key, each]) => `${key} = ${plain(each)}`)
      .join(", ");
  }
  return String(value);
}
