/** Which states are normal. Colour is the alarms' alone; what is here says where an eye should stop when no alarm stands. */

export type Condition = "normal" | "abnormal" | "unknown";

/** Contacts that are closed, and codes above zero, only when something is the matter. */
const QUIET_AT_ZERO = [
  "AcFail", "AlmBell", "AlmSts", "AlmSum", "AcbTrip", "Alarm", "AmpFault", "BattFail", "Bypass", "DlgVlv", "EmgMode", "ErrCode",
  "Fault", "FaultCode", "GateAlm", "HiAlm", "HiLvlAlm", "Isolated", "LeakAlm", "LoAlm", "LowAlm", "OverT", "Prealm", "Pressed",
  "PumpTrip", "Sf6Block", "Sf6Low", "Silenced", "StartFail", "State", "StopBtn", "Supv", "Tamper", "TestMode", "TmpAlm", "TmpTrip",
  "TripAlm", "TripCode", "TripRly", "Trouble", "ZonesInAlm",
];
/** Contacts that are closed as long as all is well. */
const QUIET_AT_ONE = ["AutoPos", "CommSts", "LocRem", "LprSts", "Online", "RecSts", "SprChg", "SupvVlv", "ZoneSts"];

/** Values that are normal: of a role, or of a role of one class of equipment. BACnet (lift, escalator, fire), OCPP, RFC 1628, SunSpec. */
const NORMAL: Record<string, readonly number[]> = {
  ...Object.fromEntries(QUIET_AT_ZERO.map((role) => [role, [0]])),
  ...Object.fromEntries(QUIET_AT_ONE.map((role) => [role, [1]])),
  CarMode: [1, 2, 3, 4, 5],
  "Elevator.DoorSts": [0, 1, 6, 7],
  FaultSig: [255],
  CbSts: [0, 1],
  DsSts: [0, 1],
  OutSrc: [3],
  BattSts: [2],
  "x:UPS.TestRes": [1, 5, 6],
  "x:Fire_Shutter.TestRes": [0, 2],
  "x:Fire_Shutter.Pos": [0],
  "x:Emergency_Generator.Mode": [2],
  "x:Escalator.Mode": [1, 2, 3],
  "x:Sprinkler_Alarm_Valve.FlowSw": [0],
  "x:Foam_Zone.FlowSw": [0],
  "x:Fire_Pump.PwrSts": [1],
  "x:Fire_Pump.RunSts": [0],
  "x:Smoke_Exhaust_Fan.RunSts": [0],
  "Automatic_Transfer_Switch.Pos": [1],
  "Photovoltaic_Inverter.Sts": [1, 2, 3, 4, 6, 8],
  "Electric_Vehicle_Charging_Station.Status": [0, 1, 2, 3, 4, 5, 6],
  GateIn: [0, 1, 2],
  GateOut: [0, 1, 2],
};

/** Whether a value of a point is one that people should look at; what has no normal values is always normal. */
export function conditionOf(cls: string, role: string, value: number | null): Condition {
  const normal = NORMAL[`${cls}.${role}`] ?? NORMAL[role];
  if (!normal) return "normal";
  if (value === null) return "unknown";
  return normal.includes(value) ? "normal" : "abnormal";
}

/** Whether a point's states say something about its equipment's condition at all. */
export const tellsCondition = (cls: string, role: string): boolean =>
  `${cls}.${role}` in NORMAL || role in NORMAL;
