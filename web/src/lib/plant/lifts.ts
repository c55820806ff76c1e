/** What a lift's points say: BACnet's lift object (ANSI/ASHRAE 135, 12.59). */

const IN_SERVICE = new Set([1, 2, 3, 4, 5]);
const STOPPED_OUTSIDE_LANDING = 8;
export const NO_FAULT = 255;
const UP = 3;
const DOWN = 4;
const OPEN = 1;
const OPENING = 7;

export type Way = "up" | "down" | "";

export const wayOf = (direction: number | null): Way => (direction === UP ? "up" : direction === DOWN ? "down" : "");

export const isOpen = (door: number | null): boolean => door === OPEN || door === OPENING;

/** Whether a car carries people now; null where nobody knows. */
export const isInService = (mode: number | null, fault: number | null): boolean | null =>
  mode === null ? null : IN_SERVICE.has(mode) && (fault === null || fault === NO_FAULT);

/** Whether somebody may be shut in: the bell rings, or a car that holds a load stands outside a landing. */
export const mayBeTrapped = (bell: number | null, fault: number | null, load: number | null): boolean =>
  bell === 1 || (fault === STOPPED_OUTSIDE_LANDING && (load ?? 0) > 0);
