/** Pages with an address each, behind `#`: `#/equipment/TCH.B2.CN.CHC01?at=2026-06-30T09:00Z`. What is unknown leads to the overview. */
import { pageNamed, type PageName } from "./pages";

export interface Place {
  page: PageName;
  /** What of the page's kind is shown, as in `#/point/NAME`; empty: the page has no such choice. */
  item: string;
  query: URLSearchParams;
}

/** Where an address leads. */
export function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [name = "", item = ""] = path.split("/", 2);
  const page = pageNamed(name)?.name ?? "overview";
  return { page, item: decoded(item), query: new URLSearchParams(query) };
}

/** Address of a place; what is empty is left out. */
export function addressOf(page: PageName, values: Record<string, string> = {}, item = ""): string {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ""));
  const text = query.toString();
  const path = page === "overview" ? "" : item ? `${page}/${encodeURIComponent(item)}` : page;
  return `#/${path}${text ? `?${text}` : ""}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

class Router {
  place = $state.raw<Place>(placeOf(location.hash));

  constructor() {
    addEventListener("hashchange", () => (this.place = placeOf(location.hash)));
  }

  /** Keep what a page shows in its address, so that it can be shared, without a step back for each change. */
  keep(values: Record<string, string>, item = this.place.item): void {
    history.replaceState(null, "", addressOf(this.place.page, values, item));
    this.place = placeOf(location.hash);
  }

  /** Go to a place, with a step back to where we were. */
  go(page: PageName, values: Record<string, string> = {}, item = ""): void {
    location.hash = addressOf(page, values, item);
  }
}

export const router = new Router();
