import { BREAKER, kindOf, sumOf, type Kind } from "./electrical";
import { diagramOf, livenessOf, type Diagram, type Fed, type Liveness } from "./single-line";
import { units, valueOf, type Unit } from "./units.svelte";

/** Something in the diagram: one unit, or all feeders of a panel that has many. */
export interface Element extends Fed {
  kind: Kind;
  units: readonly Unit[];
}

/** So many feeders are drawn each by itself; of more, a panel's are one. */
const FEEDERS_DRAWN_MAX = 8;

/** A small system has room for everything side by side. */
const SMALL_MAX = 12;
const STACK_MAX = 4;

/** The electrical system as it is drawn: from the mains to the feeders. */
class Network {
  elements: readonly Element[] = $derived.by(() => elementsOf(units.all));
  diagram: Diagram = $derived(diagramOf(this.elements, this.elements.length > SMALL_MAX ? STACK_MAX : 1));
  liveness: ReadonlyMap<string, Liveness> = $derived.by(() => {
    const of = new Map(this.elements.map((element) => [element.name, element]));
    return livenessOf(
      this.elements,
      (name) => sourceOf(of.get(name)),
      (name) => passes(of.get(name)),
    );
  });
}
export const network = new Network();

function elementsOf(all: readonly Unit[]): Element[] {
  const drawn = all.flatMap((unit) => {
    const kind = kindOf(unit.cls, (role) => unit.points.has(role));
    return kind ? [{ name: unit.name, cls: kind, kind, fedBy: unit.fedBy, units: [unit] }] : [];
  });
  const feeders = drawn.filter((element) => element.kind === "feeder");
  if (feeders.length <= FEEDERS_DRAWN_MAX) return drawn;
  const together = new Map<string, Element>();
  for (const { fedBy, units: [unit] } of feeders) {
    const source = fedBy.find((name) => drawn.some((other) => other.name === name)) ?? "";
    const known = together.get(source);
    if (!unit) continue;
    const name = `${source}/feeders`;
    together.set(source, { name, cls: "feeder", kind: "feeder", fedBy: [source], units: [...(known?.units ?? []), unit] });
  }
  return [...drawn.filter((element) => element.kind !== "feeder"), ...together.values()];
}

/** Whether a source gives voltage: mains by its meter, a generator while it runs. A mains meter without voltages is not known. */
function sourceOf(element: Element | undefined): Liveness {
  const unit = element?.units[0];
  if (!unit) return "unknown";
  const said = valueOf(unit, element.kind === "generator" ? "RunSts" : element.kind === "mains" ? "V12" : "");
  return said === null ? "unknown" : said > 0 ? "live" : "dead";
}

/** Whether current may pass; what has no breaker lets it through. Null where nobody knows. */
function passes(element: Element | undefined): boolean | null {
  const role = element && BREAKER[element.kind];
  const unit = element?.units[0];
  if (!role || !unit?.points.has(role)) return true;
  const state = valueOf(unit, role);
  return state === null || state > 1 ? null : state === 1;
}

/** Power of an element, kW: of feeders together, all or none. */
export const powerOf = (element: Element): number | null => sumOf(element.units.map((unit) => valueOf(unit, "kW")));
