import type { components } from "./api-types";

/** Everything that the service describes; a page names what it asks for in a module of its own. */
export type Schemas = components["schemas"];
export type Alarm = Schemas["Alarm"];
export type AlarmGroups = Schemas["AlarmGroups"];
export type AlarmPage = Schemas["AlarmPage"];
export type AlarmResults = Schemas["AlarmResults"];
export type Bill = Schemas["BillAnswer"];
export type Comparison = Schemas["Comparison"];
export type DemandNow = Schemas["DemandNowAnswer"];
export type Device = Schemas["Device"];
export type Devices = Schemas["Devices"];
export type Figure = Schemas["Figure"];
export type Indicators = Schemas["IndicatorList"];
export type MeterList = Schemas["MeterList"];
export type Point = Schemas["Point"];
export type PointPage = Schemas["PointPage"];
export type Report = Schemas["ReportView"];
export type ReportKinds = Schemas["ReportKinds"];
export type ReportPage = Schemas["ReportPage"];
export type Shedding = Schemas["SheddingAnswer"];
export type Site = Schemas["Site"];
export type Target = Schemas["Target"];
export type Targets = Schemas["TargetList"];
export type Text = Schemas["Text"];
/** A transition as the feed tells it, with the alarm's place among the others. */
export type Transition = Schemas["Transition"] & { group: string | null; first_up: boolean; changes: number };

const PREFIX = "/api/v1";
const TIMEOUT_MS = 10_000;

/** A refusal of the service, in its own words (RFC 9457). */
export class ProblemError extends Error {
  constructor(
    message: string,
    readonly status = 0,
  ) {
    super(message);
  }
}

let signedOut: () => void = () => {};

/** What happens when the service says that nobody is signed in any more. */
export function whenSignedOut(then: () => void): void {
  signedOut = then;
}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(PREFIX + path, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const detail = (body as { detail?: string } | null)?.detail;
    if (response.status === 401) signedOut();
    throw new ProblemError(detail ?? `${response.status} ${response.statusText}`, response.status);
  }
  return body as T;
}

export const get = <T>(path: string): Promise<T> => request<T>(path);

type Headers = Record<string, string>;
const sent = <T>(method: string, path: string, body: object, headers: Headers = {}): Promise<T> =>
  request<T>(path, { method, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });

export const post = <T>(path: string, body: object): Promise<T> => sent<T>("POST", path, body);

export const put = <T>(path: string, body: object, headers: Headers = {}): Promise<T> => sent<T>("PUT", path, body, headers);

export const remove = <T>(path: string, headers: Headers = {}): Promise<T> => request<T>(path, { method: "DELETE", headers });

/** Every point of the building, page by page. */
export async function allPoints(): Promise<Point[]> {
  const points: Point[] = [];
  let cursor: string | null = null;
  do {
    const page: PointPage = await get(`/points?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    points.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return points;
}
