import { allPoints, get, type Point, type Schemas, type Site } from "./api";
import { i18n } from "./i18n.svelte";
import { live } from "./live.svelte";

export type Equipment = Schemas["Equipment"];

/** The building as it was described: what pages draw, and never changes while they are open. */
export class Model {
  site = $state.raw<Site>();
  points = $state.raw<readonly Point[]>([]);
  equipment = $state.raw<readonly Equipment[]>([]);

  private readonly byPoint = $derived(new Map(this.points.map((point) => [point.name, point])));
  private readonly byEquipment = $derived(new Map(this.equipment.map((item) => [item.name, item])));
  private readonly pointsByEquipment = $derived(Map.groupBy(this.points, (point) => point.equipment));
  private readonly byClass = $derived(Map.groupBy(this.equipment, (item) => item.equipment_class));

  /** Ask for all of it; it is told piece by piece as it comes. */
  async load(): Promise<void> {
    this.site = await get<Site>("/site");
    i18n.timeZone = this.site.time_zone;
    const [equipment, points] = await Promise.all([allEquipment(), allPoints()]);
    // Before anybody draws them: what a derived value makes while it is reckoned it does not follow.
    live.describe(points);
    this.equipment = equipment;
    this.points = points;
  }

  point(name: string): Point | undefined {
    return this.byPoint.get(name);
  }

  item(name: string): Equipment | undefined {
    return this.byEquipment.get(name);
  }

  /** Points of a piece of equipment, by name. */
  pointsOf(equipment: string): readonly Point[] {
    return this.pointsByEquipment.get(equipment) ?? [];
  }

  /** The point that plays a role at a piece of equipment. */
  role(equipment: string, role: string): Point | undefined {
    return this.byPoint.get(`${equipment}.${role}`);
  }

  /** Equipment of some classes, in the order of the classes, by name within each. */
  ofClass(...classes: string[]): Equipment[] {
    return classes.flatMap((name) => this.byClass.get(name) ?? []);
  }

  ofSystem(system: string): Equipment[] {
    return this.equipment.filter((item) => item.system === system);
  }

  /** Everything that hangs below a piece of equipment, through `feeds`; itself not, even in a ring. */
  downstream(name: string): Equipment[] {
    const found = new Set([name]);
    for (const one of found) for (const fed of this.item(one)?.feeds ?? []) found.add(fed);
    found.delete(name);
    return [...found].flatMap((one) => this.item(one) ?? []);
  }

  floor(code: string): string {
    const place = this.site?.floors.find((floor) => floor.code === code);
    return place ? i18n.pick(place.text) : code;
  }

  zone(code: string): string {
    const place = this.site?.zones.find((zone) => zone.code === code);
    return place ? i18n.pick(place.text) : code;
  }
}

async function allEquipment(): Promise<Equipment[]> {
  const items: Equipment[] = [];
  let cursor: string | null = null;
  do {
    const page: Schemas["EquipmentPage"] = await get(
      `/equipment?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
    );
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}

export const model = new Model();
