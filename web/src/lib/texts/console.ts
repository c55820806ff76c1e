import type { Texts } from "./form";

/** What the alarm console, rules and audit say. */
export const CONSOLE = {
  page_alarms: { zh: "警報台", en: "Alarm console" },
  page_rules: { zh: "規則", en: "Rules" },
  page_audit: { zh: "稽核", en: "Audit" },
} as const satisfies Texts;
