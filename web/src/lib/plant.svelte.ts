import { coolingKw, kwPerTon, KW_PER_TON } from "./cooling";
import { model, type Equipment } from "./model.svelte";
import { values } from "./values.svelte";

export const CHILLERS = ["Centrifugal_Chiller", "Water_Cooled_Chiller", "Air_Cooled_Chiller", "Absorption_Chiller", "Chiller"];
/** Units that blow air, in the order in which cells show them. */
export const AIR_UNITS = [
  "Air_Handling_Unit",
  "Dedicated_Outdoor_Air_System_Unit",
  "Variable_Air_Volume_Box",
  "Fan_Coil_Unit",
  "Computer_Room_Air_Conditioning",
];
/** What tells how far a unit is from what it is to reach: measured role and set point. */
const DEVIATIONS = [
  ["ZoneT", "ZoneSP"],
  ["SAT", "SAT_SP"],
  ["RetT", "SetT"],
] as const;

/** The site's plant as a whole, where it is described as one. */
export const plantOf = (): Equipment | undefined => model.ofClass("Chilled_Water_System")[0];

/** Efficiency of the plant as it runs now; null where nobody can be sure. */
export interface Efficiency {
  cooledKw: number | null;
  powerKw: number | null;
  perTon: number | null;
  cop: number | null;
}

/** By the plant's own meters; without them by what its chillers measure, without pumps and towers. */
export function efficiency(): Efficiency {
  const plant = plantOf()?.name;
  const metered = plant ? values.good(`${plant}.Cool_kW`) : null;
  const power = plant ? values.good(`${plant}.Plant_kW`) : null;
  if (metered !== null && power !== null) return of(metered, power);
  const chillers = model.ofClass(...CHILLERS).map(({ name }) => {
    const read = (role: string): number | null => values.good(`${name}.${role}`);
    return [read("CHW_Flow"), read("CHWR_T"), read("CHWS_T"), read("kW")] as const;
  });
  let [cooled, drawn] = [0, 0];
  for (const [flow, returned, supplied, kw] of chillers) {
    if (flow === null || returned === null || supplied === null || kw === null) return of(null, null);
    cooled += coolingKw(flow, returned, supplied);
    drawn += kw;
  }
  return chillers.length ? of(cooled, drawn) : of(null, null);
}

function of(cooledKw: number | null, powerKw: number | null): Efficiency {
  const perTon = cooledKw === null || powerKw === null ? null : kwPerTon(powerKw, cooledKw);
  return { cooledKw, powerKw, perTon, cop: perTon === null ? null : KW_PER_TON / perTon };
}

/** How far a unit that runs is from its set point, K; null where it stands still or nobody can be sure. */
export function deviation(equipment: string): number | null {
  if (values.good(`${equipment}.RunSts`) === 0) return null;
  for (const [measured, wanted] of DEVIATIONS) {
    const [is, shall] = [values.good(`${equipment}.${measured}`), values.good(`${equipment}.${wanted}`)];
    if (is !== null && shall !== null) return is - shall;
  }
  return null;
}

/** Letters of a unit's code, which tell machines of one class apart by their duty: `PCHP` of `PCHP01`. */
export const codeLetters = (name: string): string => (name.split(".").at(-1) ?? "").replace(/\d+$/, "");
