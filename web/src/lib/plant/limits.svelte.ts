import type { Point, Schemas } from "../api";
import { Again } from "../again.svelte";
import { Asked } from "../asked.svelte";
import { past } from "../past.svelte";
import { addressOfLimits, linesOf, numbersOf, type Line } from "./limits";

/** Whether a rule's prerequisite holds changes as machines start and stop. */
const ASK_AGAIN_MS = 60_000;

/** Limits of some points, as the rules in force have them. For a component's own script. */
export class Limits {
  private readonly asked: Asked<Schemas["PointLimits"]>;
  private readonly again = new Again(ASK_AGAIN_MS);
  private readonly byPoint = $derived.by(() => Map.groupBy(this.asked.data?.items ?? [], (limit) => limit.point));

  /** No names ask nothing. */
  constructor(names: () => readonly string[]) {
    this.asked = new Asked(() => (this.again.count >= 0 ? addressOfLimits(names()) : ""));
  }

  /** Lines to draw beside a point's value; none until the service has said which there are. */
  of(point: Point): Line[] {
    return this.asked.data ? linesOf(point, this.byPoint.get(point.name) ?? [], past.on) : [];
  }

  /** Every limit of a point, also one whose prerequisite does not hold. */
  all(point: string): readonly Schemas["PointLimit"][] {
    return this.byPoint.get(point) ?? [];
  }

  /** Every number that rings for a point once the rule's prerequisite holds. */
  numbers(point: string | undefined): number[] {
    return numbersOf(this.byPoint.get(point ?? "") ?? []);
  }
}
