/** Floors by their codes: basements `B2`, `B1`, storeys `01`…, the roof `R`. */

/** Where a floor stands: the first storey is 1, the basement under it 0, as lifts count; the roof is above all. */
export function levelOf(floor: string): number {
  const basement = /^B(\d+)$/.exec(floor);
  if (basement) return 1 - Number(basement[1]);
  const storey = Number(floor);
  return floor !== "" && Number.isFinite(storey) ? storey : Number.MAX_SAFE_INTEGER;
}

/** Floors from the top down, each once. */
export const fromTheTop = (floors: Iterable<string>): string[] =>
  [...new Set(floors)].sort((a, b) => levelOf(b) - levelOf(a) || a.localeCompare(b));

/** A level as people call it: `3F`, `B1`. */
export const levelName = (level: number): string => (level >= 1 ? `${level}F` : `B${1 - level}`);

/** A floor's code as people call it. */
export function floorName(floor: string): string {
  const level = levelOf(floor);
  return level === Number.MAX_SAFE_INTEGER ? floor : levelName(level);
}
