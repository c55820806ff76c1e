import type { Texts } from "./form";

/** What the alarm console, rules and audit say. */
export const CONSOLE = {
  page_alarms: { zh: "警報台", en: "Alarm console" },
  age: { zh: "經過", en: "Age" },
  system: { zh: "系統", en: "System" },
  cause: { zh: "起因", en: "Cause" },
  span_s: { zh: "{s} 秒", en: "{s} s" },
  span_min: { zh: "{min} 分 {s} 秒", en: "{min} min {s} s" },
  span_h: { zh: "{h} 時 {min} 分", en: "{h} h {min} min" },
  span_d: { zh: "{d} 天 {h} 時", en: "{d} d {h} h" },
  newAbove: { zh: "↑ {n} 筆新警報", en: "↑ {n} new" },
  returnToService: { zh: "恢復使用", en: "Return to service" },
  page_rules: { zh: "規則", en: "Rules" },
  page_audit: { zh: "稽核", en: "Audit" },
} as const satisfies Texts;
