/** Wheel and fingers on a plot: nearer and farther about the pointer, and along. */

interface Range {
  /** ms UTC. */
  from: number;
  to: number;
}

const WHEEL_STEP = 1.0015;

/** Follow an element's wheel and fingers; gives what ends it. Dragging with a mouse is the plot's own. */
export function gestures(element: HTMLElement, rangeNow: () => Range, tell: (from: number, to: number) => void): () => void {
  const fingers = new Map<number, number>();
  let began: { range: Range; places: number[] } | null = null;
  const placeOf = (clientX: number): number => {
    const { left, width } = element.getBoundingClientRect();
    return (clientX - left) / Math.max(1, width);
  };

  function wheel(event: WheelEvent): void {
    const { from, to } = rangeNow();
    const along = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    if (event.ctrlKey) {
      const factor = WHEEL_STEP ** event.deltaY;
      const at = from + placeOf(event.clientX) * (to - from);
      tell(at - (at - from) * factor, at + (to - at) * factor);
    } else if (along !== 0) {
      const by = (along / Math.max(1, element.clientWidth)) * (to - from);
      tell(from + by, to + by);
    } else return;
    event.preventDefault();
  }

  function begin(event: PointerEvent): void {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, placeOf(event.clientX));
    began = { range: rangeNow(), places: [...fingers.values()] };
  }

  function move(event: PointerEvent): void {
    if (!began || !fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, placeOf(event.clientX));
    const { from, to } = began.range;
    const span = to - from;
    const [a0 = 0, b0] = began.places;
    const [a1 = 0, b1] = [...fingers.values()];
    if (b0 === undefined || b1 === undefined) tell(from - (a1 - a0) * span, to - (a1 - a0) * span);
    else if (Math.abs(b1 - a1) > 0.02) {
      // What lay under each finger stays under it.
      const next = (span * (b0 - a0)) / (b1 - a1);
      const start = from + a0 * span - a1 * next;
      if (next > 0) tell(start, start + next);
    }
  }

  function end(event: PointerEvent): void {
    fingers.delete(event.pointerId);
    began = fingers.size ? { range: rangeNow(), places: [...fingers.values()] } : null;
  }

  element.addEventListener("wheel", wheel, { passive: false });
  element.addEventListener("pointerdown", begin);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
  return () => {
    element.removeEventListener("wheel", wheel);
    element.removeEventListener("pointerdown", begin);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", end);
    element.removeEventListener("pointercancel", end);
  };
}
