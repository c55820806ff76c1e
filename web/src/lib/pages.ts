import type { Component } from "svelte";
import type { Permission } from "./session.svelte";
import type { TextKey } from "./texts";

/** Where a page stands in the navigation; what has no group is reached from other pages. */
export type Group = "building" | "work" | "record";

interface Row {
  name: string;
  file: string;
  title: TextKey;
  group?: Group;
  /** Shows the plant, and so also its past: the time machine stands above it. */
  past?: true;
  /** Without it the page has nothing to show: it is not in the navigation. */
  asks?: Permission;
}

/** Every page with its name in addresses, its file and its place. A system's page has the system's name. */
export const PAGES = [
  { name: "overview", file: "Overview", title: "overview", group: "building", past: true },
  { name: "hvac", file: "Hvac", title: "hvac", group: "building", past: true },
  { name: "power", file: "Power", title: "power", group: "building", past: true },
  { name: "lift", file: "Lifts", title: "lift", group: "building", past: true },
  { name: "water", file: "Water", title: "water", group: "building", past: true },
  { name: "fire", file: "Fire", title: "fire", group: "building", past: true },
  { name: "parking", file: "Parking", title: "parking", group: "building", past: true },
  { name: "security", file: "Security", title: "security", group: "building", past: true },
  { name: "environment", file: "IndoorAir", title: "environment", group: "building", past: true },
  { name: "alarms", file: "Alarms", title: "page_alarms", group: "work", past: true },
  { name: "trends", file: "Trends", title: "page_trends", group: "work" },
  { name: "energy", file: "Energy", title: "energy", group: "work" },
  { name: "schedules", file: "Schedules", title: "page_schedules", group: "work" },
  { name: "maintenance", file: "Maintenance", title: "page_maintenance", group: "work" },
  { name: "rules", file: "Rules", title: "page_rules", group: "work" },
  { name: "reports", file: "Reports", title: "reports", group: "record" },
  { name: "exports", file: "Exports", title: "page_exports", group: "record" },
  { name: "points", file: "Points", title: "page_points", group: "record" },
  { name: "audit", file: "Audit", title: "page_audit", group: "record", asks: "audit" },
  { name: "admin", file: "Admin", title: "page_admin", group: "record", asks: "administer" },
  { name: "equipment", file: "Equipment", title: "page_equipment", past: true },
  { name: "point", file: "Point", title: "page_point", past: true },
  { name: "account", file: "Account", title: "page_account" },
  { name: "sign-in", file: "SignIn", title: "page_sign_in" },
] as const satisfies readonly Row[];

export type PageName = (typeof PAGES)[number]["name"];

/** Loaded when somebody opens it: the control room's page stays small. */
type Loader = () => Promise<{ default: Component }>;
const FILES = import.meta.glob<{ default: Component }>("../pages/*.svelte");

const loaderOf = (file: string): Loader | undefined => FILES[`../pages/${file}.svelte`];

/** A page by its name; none when there is none of that name. */
export const pageNamed = (name: string): (typeof PAGES)[number] | undefined =>
  PAGES.find((page) => page.name === name && loaderOf(page.file));

/** Pages of a group, in their order. */
export const pagesIn = (group: Group): (typeof PAGES)[number][] =>
  PAGES.filter((page) => "group" in page && page.group === group && loaderOf(page.file));

/** What a page is made of. */
export function load(name: PageName): Promise<{ default: Component }> {
  const found = PAGES.find((page) => page.name === name);
  const loader = found && loaderOf(found.file);
  return loader ? loader() : Promise.reject(new Error(name));
}
