/** A column of a table: how it is called, how wide it is, and by what its rows can be sorted. */
export interface Column<Row> {
  key: string;
  title: string;
  /** A CSS width, as `12em` or `30%`; columns without one share what is left. */
  width?: string;
  number?: boolean;
  /** What rows are sorted by; without it the column cannot be. */
  by?: (row: Row) => string | number | null | undefined;
}

export interface Sorting {
  /** Key of a column; empty: as the rows came. */
  key: string;
  descending: boolean;
}

const collator = new Intl.Collator("zh-TW", { numeric: true });

/** Rows in the order that is asked for. What is unknown comes last, whichever way. */
export function inOrder<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sorting: Sorting): readonly Row[] {
  const by = columns.find((column) => column.key === sorting.key)?.by;
  if (!by) return rows;
  const sign = sorting.descending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: by(row) ?? null }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    if (typeof a.key === "number" && typeof b.key === "number") return sign * (a.key - b.key);
    return sign * collator.compare(String(a.key), String(b.key));
  });
  return keyed.map(({ row }) => row);
}

/** What the next press on a heading asks for: up, down, and as it came. */
export function nextSorting(now: Sorting, key: string): Sorting {
  if (now.key !== key) return { key, descending: false };
  return now.descending ? { key: "", descending: false } : { key, descending: true };
}
