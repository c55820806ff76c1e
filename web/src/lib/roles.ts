import type { Point } from "./api";
import { model } from "./model.svelte";
import { values } from "./values.svelte";

/** Measured role → role of what it is to become: a set point, or the command whose feedback it is. */
const WANTED: Record<string, string> = {
  SAT: "SAT_SP",
  DSP: "DSP_SP",
  CHWS_T: "CHWS_SP",
  CDWS_T: "CDWS_SP",
  ZoneT: "ZoneSP",
  Flow: "FlowSP",
  RetT: "SetT",
  SpdFb: "SpdCmd",
  CCV_Fb: "CCV_Cmd",
  OAD_Fb: "OAD_Cmd",
};

/** What a measured point is to become, where its equipment has such a point. */
export const wantedOf = (point: Point): Point | undefined => {
  const role = WANTED[point.role];
  return role ? model.role(point.equipment, role) : undefined;
};

/** Operating states of an air handler; `OS5`: none of the others. */
export type OperatingState = "OS1" | "OS2" | "OS3" | "OS4" | "OS5" | "off" | "unknown";

/** A valve counts as shut up to here, an outdoor air damper as least open, and as wide open from there; %. */
const SHUT = 0.5;
const LEAST = 21;
const WIDE = 99;

/**
 * What an air handler does, by its commands as they stand now (ASHRAE Guideline 36-2021, 5.16.14; the bounds are those
 * of the shipped rules). Rules judge by five-minute means: for a moment they may see another state.
 */
export function operatingState(equipment: string): OperatingState {
  const of = (role: string): number | null => values.good(`${equipment}.${role}`);
  const [runs, cooling, damper] = [of("RunSts"), of("CCV_Cmd"), of("OAD_Cmd")];
  const heating = model.role(equipment, "HCV_Cmd") ? of("HCV_Cmd") : 0;
  if (runs === null) return "unknown";
  if (runs === 0) return "off";
  if (cooling === null || damper === null || heating === null) return "unknown";
  if (heating > SHUT) return cooling <= SHUT && damper <= LEAST ? "OS1" : "OS5";
  if (cooling > SHUT) return damper >= WIDE ? "OS3" : damper <= LEAST ? "OS4" : "OS5";
  return damper > LEAST && damper < WIDE ? "OS2" : "OS5";
}
