import { model } from "./model.svelte";
import { values } from "./values.svelte";

/** What a machine does. `starting`: commanded, and not proved yet; `unknown`: nobody can be sure. */
export type MachineState = "running" | "starting" | "stopped" | "fault" | "unknown";

const COMMANDS = ["EnableCmd", "StartCmd"];
const FAULTS = ["TripAlm", "AlmSum", "FltAlm", "VfdFault"];
const SPEEDS = ["FanSpd"];

/** State of a piece of equipment by its own points; none where it is no machine. */
export function machineState(equipment: string): MachineState | undefined {
  const runs = model.role(equipment, "RunSts");
  if (!runs) {
    const speed = SPEEDS.map((role) => model.role(equipment, role)).find(Boolean);
    if (!speed) return undefined;
    const turning = values.good(speed.name);
    return turning === null ? "unknown" : turning > 0 ? "running" : "stopped";
  }
  const proved = values.good(runs.name);
  if (proved === null) return "unknown";
  if (FAULTS.some((role) => (values.good(`${equipment}.${role}`) ?? 0) > 0)) return "fault";
  if (proved > 0) return "running";
  const commanded = COMMANDS.some((role) => (values.good(`${equipment}.${role}`) ?? 0) > 0);
  return commanded ? "starting" : "stopped";
}
