import { describe, expect, it } from "vitest";
import { conditionOf, tellsCondition } from "./condition";

describe("the condition that a state tells", () => {
  it.each([
    ["Elevator", "FaultSig", 255, "normal"],
    ["Elevator", "FaultSig", 0, "abnormal"],
    ["Elevator", "CarMode", 11, "abnormal"],
    ["Elevator", "DoorSts", 3, "abnormal"],
    ["Access_Reader", "DoorSts", 1, "normal"],
    ["Surveillance_Camera", "Online", 0, "abnormal"],
    ["Surveillance_Camera", "Online", null, "unknown"],
    ["Water_Pump", "RunSts", 1, "normal"],
    ["x:Fire_Pump", "RunSts", 1, "abnormal"],
    ["Chilled_Water_Pump", "FlowSw", 1, "normal"],
    ["x:Sprinkler_Alarm_Valve", "FlowSw", 1, "abnormal"],
    ["Automatic_Transfer_Switch", "Pos", 2, "abnormal"],
    ["Electrical_Meter", "kW", null, "normal"],
  ] as const)("%s %s = %s is %s", (cls, role, value, told) => {
    expect(conditionOf(cls, role, value)).toBe(told);
  });

  it("is not told by what is only measured", () => {
    expect(tellsCondition("Electrical_Meter", "kW")).toBe(false);
    expect(tellsCondition("Elevator", "CarMode")).toBe(true);
  });
});
