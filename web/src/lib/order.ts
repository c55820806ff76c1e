interface Row {
  id: string;
}

/** Rows as they stood, without those that are gone and with new ones at the end: nothing moves under a pointer. */
export function held<T extends Row>(before: readonly string[], sorted: readonly T[]): T[] {
  const byId = new Map(sorted.map((row) => [row.id, row]));
  const known = new Set(before);
  return [...before.flatMap((id) => byId.get(id) ?? []), ...sorted.filter((row) => !known.has(row.id))];
}

/** The row that stays chosen: the same one, or when it is gone the one that took its place. */
export function chosenAfter(chosen: string | null, before: readonly string[], rows: readonly Row[]): string | null {
  if (chosen !== null && rows.some((row) => row.id === chosen)) return chosen;
  const place = chosen === null ? 0 : Math.max(0, before.indexOf(chosen));
  return rows[Math.min(place, rows.length - 1)]?.id ?? null;
}
