/** What an export is asked for with, and what its file will begin with. */

import { get, type Point, type Schemas } from "./api";

export type ExportView = Schemas["ExportView"];
export type ExportPage = Schemas["ExportPage"];
type Samples = Schemas["Samples"];

export const FORMATS = ["csv-long", "csv-wide", "xlsx", "parquet"] as const;
export type Format = (typeof FORMATS)[number];
export const INTERVALS = ["", "1m", "5m", "15m", "30m", "1h", "1d", "1mo"] as const;
export const AGGREGATIONS = ["mean", "min", "max", "first", "last", "delta", "count"] as const;
export const POINTS_MAX = 2_000;

export interface Wish {
  /** Names, and patterns with `*` and `?`. */
  lines: string[];
  /** ms UTC. */
  from: number;
  to: number;
  format: Format;
  interval: string;
  agg: (typeof AGGREGATIONS)[number];
  language: "zh" | "en";
  /** ms UTC; null: now. */
  knownAt: number | null;
}

/** Names that a pattern fits, as the service understands it: `*` is many and `?` one character. */
export function fitting(pattern: string, names: readonly string[]): string[] {
  if (!/[*?]/.test(pattern)) return names.includes(pattern) ? [pattern] : [];
  const text = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  const wanted = new RegExp(`^${text}$`, "s");
  return names.filter((name) => wanted.test(name));
}

/** Points of some lines in their order, each once, and the lines that fit none. */
export function chosen(lines: readonly string[], names: readonly string[]): { names: string[]; unknown: string[] } {
  const found = new Set<string>();
  const unknown: string[] = [];
  for (const line of lines) {
    const own = fitting(line, names);
    if (!own.length) unknown.push(line);
    for (const name of own) found.add(name);
  }
  return { names: [...found], unknown };
}

const INTERVAL_S: Record<string, number> = {
  "1m": 60, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "1d": 86_400, "1mo": 2_629_800,
};

/** About how many samples or figures there are at most: a point that does not move is recorded less often. */
export function expectedRows(wish: Wish, points: readonly Point[]): number {
  const spanS = (wish.to - wish.from) / 1_000;
  return points.reduce((sum, point) => sum + Math.ceil(spanS / (INTERVAL_S[wish.interval] ?? Math.max(1, point.scan_s))), 0);
}

/** Body of the order. */
export const orderOf = (wish: Wish): Record<string, unknown> => ({
  points: wish.lines,
  from: new Date(wish.from).toISOString(),
  to: new Date(wish.to).toISOString(),
  format: wish.format,
  interval: wish.interval || null,
  agg: wish.agg,
  language: wish.language,
  as_known_at: wish.knownAt === null ? null : new Date(wish.knownAt).toISOString(),
});

/** A row of the preview: a value of one point at a time. */
export interface PreviewRow {
  at: string;
  point: Point;
  value: number | null;
  quality: string;
}
export const PREVIEW_ROWS = 20;
/** So many points are asked for a preview. */
export const PREVIEW_POINTS = 8;

/** The first rows of the file, of its first points: by time, then in the order of the points. */
export async function preview(wish: Wish, points: readonly Point[]): Promise<PreviewRow[]> {
  const query = new URLSearchParams({
    from: new Date(wish.from).toISOString(), to: new Date(wish.to).toISOString(), limit: String(PREVIEW_ROWS),
    ...(wish.interval ? { interval: wish.interval, agg: wish.agg } : {}),
    ...(wish.knownAt === null ? {} : { as_known_at: new Date(wish.knownAt).toISOString() }),
  });
  const asked = points.slice(0, PREVIEW_POINTS);
  const answers = await Promise.all(asked.map((point) => get<Samples>(`/points/${encodeURIComponent(point.name)}/samples?${query}`)));
  const rows = answers.flatMap(({ t, v, q }, index) =>
    t.map((at, place): PreviewRow => ({ at, point: asked[index]!, value: v[place] ?? null, quality: q[place] ?? "bad" })),
  );
  // Stable: rows of one time stay in the order of the points.
  return rows.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).slice(0, PREVIEW_ROWS);
}

/** A number of bytes for people. */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1_000 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}
