import { alarms } from "./alarms.svelte";
import type { Alarm } from "./api";
import { live, type Severity } from "./live.svelte";
import { past } from "./past.svelte";
import { reasonOf } from "./quality";
import { compareAlarms, isHidden } from "./rows";

/** A point's value as it counts: now, or at the moment that the time machine shows. */
export interface Present {
  /** Null when nobody knows it. */
  readonly value: number | null;
  readonly severity: Severity;
  /** Why it is not good, as in `device_lost`. */
  readonly reason: string | null;
  /** When it was measured, ms; 0: never. */
  readonly at: number;
  /** The last few values, for a sparkline; none in the past. */
  readonly history: readonly number[];
}

const UNKNOWN: Present = { value: null, severity: "bad", reason: "no_data", at: 0, history: [] };

/**
 * What pages of the plant show: every value and every alarm through here, so that the past works everywhere. To be read
 * where Svelte follows it: in markup, `$derived` or `$effect`.
 */
class Values {
  of(point: string): Present {
    if (past.on) return past.picture?.points.get(point) ?? UNKNOWN;
    const now = live.point(point);
    return { value: now.value, severity: now.severity, reason: reasonOf(now.code), at: now.at, history: now.history };
  }

  /** The number, only where it is good: what is counted with may not rest on doubt. */
  good(point: string | undefined): number | null {
    const present = point === undefined ? UNKNOWN : this.of(point);
    return present.severity === "good" ? present.value : null;
  }

  /** Alarms that stood, those that are hidden not; the worst and newest first. */
  get alarms(): readonly Alarm[] {
    return past.on ? this.then : alarms.annunciated;
  }

  private readonly then = $derived(
    (past.picture?.alarms ?? []).filter((alarm) => !isHidden(alarm)).toSorted(compareAlarms),
  );

  private readonly byEquipment = $derived(Map.groupBy(this.alarms, (alarm) => alarm.equipment));
  private readonly bySystem = $derived(Map.groupBy(this.alarms, (alarm) => alarm.system));

  alarmsOf(equipment: string): readonly Alarm[] {
    return this.byEquipment.get(equipment) ?? [];
  }

  worstOf(equipment: string): Alarm | undefined {
    return worst(this.alarmsOf(equipment));
  }

  worstOfSystem(system: string): Alarm | undefined {
    return worst(this.bySystem.get(system) ?? []);
  }
}

function worst(standing: readonly Alarm[]): Alarm | undefined {
  return standing.toSorted((a, b) => a.priority - b.priority)[0];
}

export const values = new Values();
