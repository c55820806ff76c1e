/** Choosing among all points of the building. */

import type { Point } from "../api";
import type { Equipment } from "../model.svelte";

export interface Choice {
  /** Words that name, texts, equipment, device or address contain, all of them. */
  words: string;
  system: string;
  floor: string;
  equipmentClass: string;
  device: string;
  quality: string;
}

/** A point with what it is found by. */
export interface Row {
  point: Point;
  floor: string;
  text: string;
}

/** Rows of all points, once for all questions. */
export function rowsOf(points: readonly Point[], item: (name: string) => Equipment | undefined): Row[] {
  return points.map((point) => ({
    point,
    floor: item(point.equipment)?.floor ?? "",
    text: [point.name, point.text.zh, point.text.en, point.equipment_text.zh, point.equipment_text.en, point.equipment_class, point.device, point.address, point.unit]
      .join(" ")
      .toLowerCase(),
  }));
}

/** Rows that are wanted; by quality the caller asks, as it changes by the second. */
export function chosenBy(rows: readonly Row[], choice: Choice): Row[] {
  const words = choice.words.toLowerCase().split(/\s+/).filter(Boolean);
  const wants = (wanted: string, has: string): boolean => wanted === "" || wanted === has;
  return rows.filter(
    ({ point, floor, text }) =>
      wants(choice.system, point.system) && wants(choice.floor, floor) && wants(choice.equipmentClass, point.equipment_class) &&
      wants(choice.device, point.device) && words.every((word) => text.includes(word)),
  );
}

/** What can be chosen of a property, in order, each once. */
export const valuesOf = (rows: readonly Row[], of: (row: Row) => string): string[] =>
  [...new Set(rows.map(of))].filter(Boolean).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
