import { i18n } from "./i18n.svelte";
import type { Severity } from "./live.svelte";
import { TEXTS, type TextKey } from "./texts";

/** Reasons of qualities by their code, as the service names them (`docs/reference/quality.md`). */
const REASONS: Record<number, string> = {
  0x41: "stale",
  0x42: "flatline",
  0x43: "spike",
  0x44: "clock",
  0x45: "estimated",
  0x46: "overridden",
  0x47: "device_alarm",
  0x48: "rate",
  0x49: "cross",
  0x81: "no_data",
  0x82: "device_lost",
  0x83: "timeout",
  0x84: "refused",
  0x85: "decode",
  0x86: "range",
  0x87: "stale",
  0x88: "device_fault",
  0x89: "out_of_service",
};

/** Why a value of this quality is not good; null where there is nothing to explain. */
export const reasonOf = (code: number): string | null => REASONS[code] ?? null;

/** A quality for people, with its reason. */
export function qualityText(severity: Severity, reason: string | null): string {
  const key = `qualityReason_${reason}`;
  return key in TEXTS ? `${i18n.t(severity)}: ${i18n.t(key as TextKey)}` : i18n.t(severity);
}
