/** Pages with an address each, behind `#`: `#/energy?period=2026-06`. What is unknown leads to the overview. */

export const PAGES = ["overview", "energy", "reports"] as const;
export type PageName = (typeof PAGES)[number];

export interface Place {
  page: PageName;
  query: URLSearchParams;
}

/** Where an address leads. */
export function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const name = path.split("/")[0] ?? "";
  const page = PAGES.find((known) => known === name) ?? "overview";
  return { page, query: new URLSearchParams(query) };
}

/** Address of a place; what is empty is left out. */
export function addressOf(page: PageName, values: Record<string, string> = {}): string {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ""));
  const text = query.toString();
  return `#/${page === "overview" ? "" : page}${text ? `?${text}` : ""}`;
}

class Router {
  place = $state.raw<Place>(placeOf(location.hash));

  constructor() {
    addEventListener("hashchange", () => (this.place = placeOf(location.hash)));
  }

  /** Keep what a page shows in its address, so that it can be shared, without a step back for each change. */
  keep(values: Record<string, string>): void {
    history.replaceState(null, "", addressOf(this.place.page, values));
    this.place = placeOf(location.hash);
  }
}

export const router = new Router();
