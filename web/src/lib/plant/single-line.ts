/** A single-line diagram from who feeds whom: which units stand where, what joins them, and what is live. */

/** A unit of the electrical system, with the names of what feeds it. */
export interface Fed {
  name: string;
  cls: string;
  fedBy: readonly string[];
}

/** A node with its place in columns and rows from the top left; a node may stand below others of its kind. */
export interface Placed {
  name: string;
  column: number;
  row: number;
}

export interface Line {
  from: string;
  to: string;
  /** Besides the first source: a generator beside the mains. */
  isOther: boolean;
}

export interface Diagram {
  nodes: Placed[];
  lines: Line[];
  columns: number;
  rows: number;
}

/** Draw what is fed under what feeds it; units of one kind that feed nothing further stand below one another, `stackMax` at most. */
export function diagramOf(units: readonly Fed[], stackMax = 4): Diagram {
  const sources = nearestSources(units);
  const unitOf = new Map(units.map((unit) => [unit.name, unit]));
  const first = new Map([...sources].map(([name, from]) => [name, from[0]]));
  const beside = besideOf(units, sources, first);
  const children = (name: string | undefined): Fed[] => units.filter((unit) => first.get(unit.name) === name && !beside.has(unit.name));
  const nodes: Placed[] = [];

  /** Place a unit, and right of it what feeds its loads too; gives the next free column. */
  function place(unit: Fed, column: number, row: number): number {
    const below = children(unit.name);
    let next = column;
    for (const stack of stacksOf(below, stackMax, (child) => children(child.name).length === 0)) {
      if (stack.length === 1 && stack[0]) next = place(stack[0], next, row + 1);
      else stack.forEach((child, place) => nodes.push({ name: child.name, column: next, row: row + 1 + place }));
      if (stack.length > 1) next += 1;
    }
    next = Math.max(next, column + 1);
    nodes.push({ name: unit.name, column: middleOf(below, nodes, column), row });
    const others = units.filter((other) => beside.get(other.name) === unit.name);
    others.forEach((other, place) => nodes.push({ name: other.name, column: next, row: row + place }));
    return others.length > 0 ? next + 1 : next;
  }

  let columns = 0;
  for (const root of children(undefined)) columns = place(root, columns, 0);
  const lines = [...sources].flatMap(([to, from]) =>
    unitOf.has(to) ? from.map((name, place) => ({ from: name, to, isOther: place > 0 })) : [],
  );
  return { nodes, lines, columns, rows: nodes.reduce((most, node) => Math.max(most, node.row + 1), 0) };
}

export type Liveness = "live" | "dead" | "unknown";

/** What each unit is: live when it lets through and something that feeds it is live. Nobody's word makes it unknown. */
export function livenessOf(
  units: readonly Fed[],
  source: (name: string) => Liveness,
  passes: (name: string) => boolean | null,
): Map<string, Liveness> {
  const sources = nearestSources(units);
  const found = new Map<string, Liveness>();
  function tell(name: string): Liveness {
    const known = found.get(name);
    if (known) return known;
    found.set(name, "unknown"); // A ring ends here.
    const from = sources.get(name) ?? [];
    const before = from.length === 0 ? source(name) : best(from.map(tell));
    const through = passes(name);
    const told = through === false ? "dead" : before === "live" && through === null ? "unknown" : before;
    found.set(name, told);
    return told;
  }
  for (const unit of units) tell(unit.name);
  return found;
}

const best = (all: readonly Liveness[]): Liveness =>
  all.includes("live") ? "live" : all.includes("unknown") ? "unknown" : "dead";

/** What feeds each unit directly: a source that another source hangs on is named by that one. */
function nearestSources(units: readonly Fed[]): Map<string, string[]> {
  const fedBy = new Map(units.map((unit) => [unit.name, unit.fedBy]));
  const known = (unit: Fed): string[] => unit.fedBy.filter((name) => fedBy.has(name) && name !== unit.name);
  const hangsOn = (name: string, other: string, seen = new Set<string>()): boolean =>
    !seen.has(name) && (fedBy.get(name) ?? []).some((one) => one === other || hangsOn(one, other, seen.add(name)));
  return new Map(
    units.map((unit) => {
      const all = known(unit);
      return [unit.name, all.filter((one) => !all.some((other) => other !== one && hangsOn(other, one)))];
    }),
  );
}

/** Second sources that hang on nothing themselves, and the first source that they stand beside. */
function besideOf(
  units: readonly Fed[],
  sources: ReadonlyMap<string, string[]>,
  first: ReadonlyMap<string, string | undefined>,
): Map<string, string> {
  const beside = new Map<string, string>();
  for (const unit of units) {
    const [mains, ...others] = sources.get(unit.name) ?? [];
    for (const other of others) {
      const feedsFirst = [...first.values()].includes(other);
      if (mains && first.get(other) === undefined && !feedsFirst && !beside.has(other)) beside.set(other, mains);
    }
  }
  return beside;
}

/** Units side by side; leaves of one kind are one stack. */
function stacksOf(units: readonly Fed[], most: number, isLeaf: (unit: Fed) => boolean): Fed[][] {
  const stacks: Fed[][] = [];
  for (const unit of units) {
    const last = stacks.find((stack) => stack.length < most && stack[0]?.cls === unit.cls && stack.every(isLeaf));
    if (last && isLeaf(unit)) last.push(unit);
    else stacks.push([unit]);
  }
  return stacks;
}

function middleOf(below: readonly Fed[], nodes: readonly Placed[], otherwise: number): number {
  const columns = below.flatMap((child) => nodes.filter((node) => node.name === child.name).map((node) => node.column));
  return columns.length === 0 ? otherwise : (Math.min(...columns) + Math.max(...columns)) / 2;
}
