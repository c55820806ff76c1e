import type { Point } from "./api";

/** Which points a system's tile shows: class of equipment and role, in this order, at most six. */
const KEY_FIGURES: Record<string, readonly (readonly [string, string])[]> = {
  hvac: [
    ["Centrifugal_Chiller", "CHWS_T"],
    ["Centrifugal_Chiller", "kW"],
    ["Air_Handling_Unit", "SAT"],
    ["Air_Handling_Unit", "RA_CO2"],
  ],
  power: [
    ["Building_Electrical_Meter", "kW"],
    ["Building_Electrical_Meter", "Dmd15"],
    ["Building_Electrical_Meter", "V12"],
    ["Building_Electrical_Meter", "PF"],
  ],
  lift: [
    ["Elevator", "CarPos"],
    ["Elevator", "CarMode"],
  ],
  water: [
    ["Water_Storage_Tank", "Lvl"],
    ["Water_Meter", "Flow"],
  ],
  fire: [
    ["Fire_Alarm_Control_Panel", "Alarm"],
    ["Fire_Alarm_Control_Panel", "Trouble"],
    ["Fire_Alarm_Control_Panel", "ZonesInAlm"],
    ["Fire_Zone", "State"],
  ],
  parking: [
    ["Parking_Structure", "Free"],
    ["CO_Level_Sensor", "CO"],
    ["Electric_Vehicle_Charging_Station", "kW"],
  ],
  security: [
    ["Access_Reader", "AlmSts"],
    ["Emergency_Push_Button_Status", "Pressed"],
  ],
  environment: [
    ["IAQ_Sensor_Equipment", "CO2"],
    ["IAQ_Sensor_Equipment", "PM25"],
    ["IAQ_Sensor_Equipment", "T"],
    ["Weather_Station", "OAT"],
  ],
};
const FIGURES_MAX = 6;

export const SYSTEMS = Object.keys(KEY_FIGURES) as (
  "hvac" | "power" | "lift" | "water" | "fire" | "parking" | "security" | "environment"
)[];

/** Key figures of a system; where none is defined for its equipment, its first analog inputs. */
export function keyFigures(system: string, points: readonly Point[]): Point[] {
  const own = points.filter((point) => point.system === system);
  const kinds = (KEY_FIGURES[system] ?? []).map(([cls, role]) =>
    own.filter((point) => point.equipment_class === cls && point.role === role),
  );
  // One of each kind before the second of any: in a large building the first kind alone would fill the tile.
  const share = Math.max(1, Math.floor(FIGURES_MAX / Math.max(1, kinds.filter((kind) => kind.length).length)));
  const chosen = kinds.flatMap((kind) => kind.slice(0, share));
  return (chosen.length ? chosen : own.filter((point) => point.kind === "AI")).slice(0, FIGURES_MAX);
}

/** Digits after the point by which a value of this range is shown. */
export function digitsOf(point: Point): number {
  if (point.kind === "CI") return 0;
  const span = Math.abs((point.high ?? 100) - (point.low ?? 0));
  return span <= 5 ? 2 : span <= 500 ? 1 : 0;
}
