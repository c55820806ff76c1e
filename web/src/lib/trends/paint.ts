/** What is drawn over the lines: limits, marks of events, the pinned cursor, and each pen's number at its end. */

import type uPlot from "uplot";
import type { Mark, Pen } from "./ask";
import { COLOURS, scaleOf, type Theme } from "./picture";
import { readAt, type Trace } from "./trace";

export interface Over {
  pens: readonly Pen[];
  marks: readonly Mark[];
  /** ms UTC. */
  pinned: number | null;
  limits: boolean;
  theme: Theme;
  line: string;
  panel: string;
}

const TAG_PX = 15;

function rule(ctx: CanvasRenderingContext2D, from: [number, number], to: [number, number], dash: number[], width: number): void {
  ctx.setLineDash(dash);
  ctx.lineWidth = width;
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
}

/** Draw it all on the plot's canvas. */
export function paint(u: uPlot, over: Over): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const right = bbox.left + bbox.width;
  const foot = bbox.top + bbox.height;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = over.line;
  for (const mark of over.marks) {
    const x = u.valToPos(mark.at / 1_000, "x", true);
    rule(ctx, [x, bbox.top], [x, foot], mark.kind === "alarm" ? [2 * ratio, 3 * ratio] : [1 * ratio, 5 * ratio], ratio);
  }
  if (over.pinned !== null) {
    const x = u.valToPos(over.pinned / 1_000, "x", true);
    rule(ctx, [x, bbox.top], [x, foot], [], 2 * ratio);
  }
  const taken: [number, number][] = [];
  over.pens.forEach(({ trace, limits }, pen) => {
    if (!trace) return;
    const scale = scaleOf(trace.point);
    const colour = COLOURS[over.theme][pen % COLOURS[over.theme].length]!;
    ctx.strokeStyle = colour;
    if (over.limits)
      for (const { value } of limits) {
        const y = u.valToPos(value, scale, true);
        rule(ctx, [bbox.left, y], [right, y], [10 * ratio, 4 * ratio, 2 * ratio, 4 * ratio], ratio);
      }
    tag(u, trace, pen, scale, colour, over.panel, taken);
  });
  ctx.restore();
}

/** The pen's number where its line leaves the picture; beside those that end there, too. */
function tag(u: uPlot, trace: Trace, pen: number, scale: string, colour: string, panel: string, taken: [number, number][]): void {
  const read = readAt(trace, Math.min(u.scales.x!.max ?? 0, trace.t.at(-1) ?? 0));
  if (!read || read.value === null) return;
  const { ctx, bbox } = u;
  const size = TAG_PX * devicePixelRatio;
  let x = Math.min(u.valToPos(read.at, "x", true), bbox.left + bbox.width - size);
  const y = Math.min(Math.max(u.valToPos(read.value, scale, true), bbox.top + size), bbox.top + bbox.height - size / 2);
  while (taken.some(([otherX, otherY]) => Math.abs(otherX - x) < size && Math.abs(otherY - y) < size)) x -= size + devicePixelRatio;
  taken.push([x, y]);
  ctx.fillStyle = colour;
  ctx.fillRect(x, y - size, size, size);
  ctx.fillStyle = panel;
  ctx.font = `bold ${11 * devicePixelRatio}px sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(String(pen + 1), x + size / 2, y - size / 2);
}
