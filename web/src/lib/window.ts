/** Which rows of a long list are drawn: those in sight and a few around, however many there are. */
export interface Window {
  first: number;
  /** One past the last. */
  end: number;
  /** Room that the others take, px. */
  before: number;
  after: number;
}

const AROUND = 8;

export function windowOf(count: number, rowPx: number, scrollTop: number, viewPx: number): Window {
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / rowPx)) - AROUND);
  const end = Math.min(count, Math.ceil((scrollTop + viewPx) / rowPx) + AROUND);
  return { first, end: Math.max(first, end), before: first * rowPx, after: Math.max(0, count - end) * rowPx };
}

/** Where to scroll so that a row is wholly in sight; no further than needed. `headPx` is covered by the heading. */
export function scrolledTo(row: number, rowPx: number, scrollTop: number, viewPx: number, headPx: number): number {
  const above = row * rowPx;
  const below = above + rowPx + headPx - viewPx;
  return Math.max(Math.min(scrollTop, above), below);
}
