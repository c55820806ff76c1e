import { pageNamed, type PageName } from "./pages";

/** A level of the plant: the building, one of its systems, a piece of equipment, a point. */
export interface Level {
  page: PageName;
  item: string;
}

/** What of the building is asked. */
interface Building {
  item(name: string): { system: string } | undefined;
  point(name: string): { equipment: string; system: string } | undefined;
}

/** Levels from the building down to a place of the plant; other pages stand right below the building. */
export function levelsOf(place: Level, building: Building): Level[] {
  const levels: Level[] = [{ page: "overview", item: "" }];
  const point = place.page === "point" ? building.point(place.item) : undefined;
  const equipment = place.page === "equipment" ? place.item : point?.equipment;
  const system = pageNamed(point?.system ?? building.item(equipment ?? "")?.system ?? "");
  if (system) levels.push({ page: system.name, item: "" });
  if (equipment !== undefined && place.page !== "equipment") levels.push({ page: "equipment", item: equipment });
  if (place.page !== "overview") levels.push({ page: place.page, item: place.item });
  return levels;
}

/** The level above a place; none above the building. */
export const above = (place: Level, building: Building): Level | undefined => levelsOf(place, building).at(-2);
