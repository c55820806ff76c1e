/** What electrical equipment is, by its class and points, and figures of a three-phase supply. */

export type Kind = "mains" | "gis" | "transformer" | "panel" | "switch" | "generator" | "ups" | "solar" | "feeder";

const KINDS: Record<string, Kind> = {
  Building_Electrical_Meter: "mains",
  Transformer: "transformer",
  Automatic_Transfer_Switch: "switch",
  "x:Emergency_Generator": "generator",
  "x:UPS": "ups",
  Photovoltaic_Inverter: "solar",
  Electrical_Meter: "feeder",
};

/** Kind of a unit in the single-line diagram; none for what does not stand in it. Switchgear with gas is high voltage. */
export function kindOf(cls: string, hasRole: (role: string) => boolean): Kind | undefined {
  if (cls === "Switchgear") return hasRole("Sf6P") ? "gis" : "panel";
  return KINDS[cls];
}

/** Points that say whether a unit lets current through, by kind. */
export const BREAKER: Partial<Record<Kind, string>> = { gis: "CbSts", panel: "AcbSts", generator: "CbSts" };

/** Voltage unbalance, %: the greatest deviation from the mean, of the mean (NEMA MG 1, 14.36). Null where one is not known. */
export function unbalancePercent(volts: readonly (number | null)[]): number | null {
  const known = volts.filter((volt): volt is number => volt !== null);
  if (known.length !== 3) return null;
  const mean = known.reduce((sum, volt) => sum + volt, 0) / 3;
  return mean > 0 ? (100 * Math.max(...known.map((volt) => Math.abs(volt - mean)))) / mean : null;
}

/** Sum of what is known; null as soon as one is not: a part is not the whole. */
export const sumOf = (values: readonly (number | null)[]): number | null =>
  values.includes(null) ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
