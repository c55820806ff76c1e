import { describe, expect, it } from "vitest";
import { Hub, type Message, type Port, type Told } from "./hub";
import type { StreamEvents } from "./stream";

class Tab implements Port {
  messages: Message[] = [];
  postMessage(message: Message): void {
    this.messages.push(structuredClone(message));
  }
  transitions(): number[] {
    return this.messages.flatMap((message) => ("transition" in message ? [message.transition.position] : []));
  }
}

const told = (position: number, id = `alarm ${position}`): Told => ({ position, alarm: { id } });

function hubWithStreams(): { hub: Hub; urls: string[]; streams: Map<string, StreamEvents> } {
  const urls: string[] = [];
  const streams = new Map<string, StreamEvents>();
  const hub = new Hub((address, _types, events) => {
    const url = address();
    urls.push(url);
    streams.set(url.split("?")[0] ?? url, events);
    return () => undefined;
  });
  return { hub, urls, streams };
}

describe("the hub", () => {
  it("opens one stream however many tabs join", () => {
    const { hub, urls } = hubWithStreams();
    for (const tab of [new Tab(), new Tab(), new Tab()]) {
      hub.handle(tab, { join: "points" });
      hub.handle(tab, { join: "alarms", after: 7 });
    }

    expect(urls).toEqual(["/api/v1/points/stream", "/api/v1/alarms/feed?after=7"]);
  });

  it("tells every tab of commands by one stream, and that some were missed when it comes back", () => {
    const { hub, urls, streams } = hubWithStreams();
    const tabs = [new Tab(), new Tab()];
    for (const tab of tabs) hub.handle(tab, { join: "commands" });
    const stream = streams.get("/api/v1/commands/stream");
    stream?.onState(true);
    stream?.onEvent("command", { point: "A" });
    stream?.onState(false);
    stream?.onState(true);

    expect(urls).toEqual(["/api/v1/commands/stream"]);
    for (const tab of tabs) {
      expect(tab.messages).toContainEqual({ stream: "commands", news: { point: "A" } });
      expect(tab.messages.filter((message) => "lost" in message)).toHaveLength(1);
    }
  });

  it("gives a tab that joins late the present values, not the first ones", () => {
    const { hub, streams } = hubWithStreams();
    hub.handle(new Tab(), { join: "points" });
    const stream = streams.get("/api/v1/points/stream");
    stream?.onEvent("snapshot", { names: ["A", "B"], t: [1, 1], v: [10, 20], q: [0, 0] });
    stream?.onEvent("values", { i: [1], t: [2], v: [21], q: [0] });
    stream?.onEvent("values", { i: [0], t: [0], v: [9], q: [0] });
    const late = new Tab();
    hub.handle(late, { join: "points" });

    expect(late.messages).toContainEqual({
      stream: "points",
      snapshot: { names: ["A", "B"], t: [1, 2], v: [10, 21], q: [0, 0] },
    });
  });

  it("opens the feed anew where it stood, though nothing happened that it was told", () => {
    let place = (): string => "";
    let tell: StreamEvents | undefined;
    const hub = new Hub((address, _types, events) => {
      place = address;
      tell = events;
      return () => undefined;
    });
    hub.handle(new Tab(), { join: "alarms", after: 7 });
    tell?.onEvent("position", { position: 31, at: "" });

    expect(place()).toBe("/api/v1/alarms/feed?after=31");
  });

  it("gives a tab every transition after its own place, once", () => {
    const { hub, streams } = hubWithStreams();
    const early = new Tab();
    hub.handle(early, { join: "alarms", after: 4 });
    const stream = streams.get("/api/v1/alarms/feed");
    for (const position of [5, 6, 7]) stream?.onEvent("alarm", told(position));
    const late = new Tab();
    hub.handle(late, { join: "alarms", after: 6 });
    stream?.onEvent("alarm", told(8));

    expect(early.transitions()).toEqual([5, 6, 7, 8]);
    expect(late.transitions()).toEqual([7, 8]);
  });

  it("stops talking to a tab that left", () => {
    const { hub, streams } = hubWithStreams();
    const tab = new Tab();
    hub.handle(tab, { join: "alarms", after: 0 });
    hub.handle(tab, { leave: true });
    streams.get("/api/v1/alarms/feed")?.onEvent("alarm", told(1));

    expect(tab.transitions()).toEqual([]);
  });

  it("opens a refused feed again from where it stood, and passes on nothing twice", () => {
    const addresses: (() => string)[] = [];
    let feed: StreamEvents | undefined;
    const hub = new Hub((address, _types, events) => {
      addresses.push(address);
      feed = events;
      return () => undefined;
    });
    const tab = new Tab();
    hub.handle(tab, { join: "alarms", after: 3 });
    feed?.onEvent("alarm", told(4));
    feed?.onEvent("alarm", told(5));
    feed?.onEvent("alarm", told(4));

    expect(addresses[0]?.()).toBe("/api/v1/alarms/feed?after=5");
    expect(tab.transitions()).toEqual([4, 5]);
  });

  it("keeps one transition of each alarm, the latest: a flood takes no more room than there are alarms", () => {
    const { hub, streams } = hubWithStreams();
    hub.handle({ postMessage: () => undefined }, { join: "alarms", after: 0 });
    const stream = streams.get("/api/v1/alarms/feed");
    for (let position = 1; position <= 250_000; position += 1) stream?.onEvent("alarm", told(position, `alarm ${position % 3}`));
    const late = new Tab();
    hub.handle(late, { join: "alarms", after: 0 });

    expect(late.transitions()).toEqual([249_998, 249_999, 250_000]);
  });

  it("tells of a flood as it begins and ends, and every tab that comes in the middle of it", () => {
    const { hub, streams } = hubWithStreams();
    const tab = new Tab();
    hub.handle(tab, { join: "alarms", after: 0 });
    const stream = streams.get("/api/v1/alarms/feed");
    const flood = { on: true, at: "2026-07-01T00:00:00.000Z", count: 11 };
    stream?.onEvent("flood", flood);
    const late = new Tab();
    hub.handle(late, { join: "alarms", after: 0 });
    stream?.onEvent("flood", { on: false, at: "2026-07-01T00:08:00.000Z", count: 15 });

    const floods = (messages: Message[]): unknown[] => messages.flatMap((message) => ("flood" in message ? [message.flood] : []));
    expect(floods(tab.messages)).toEqual([null, flood, null]);
    expect(floods(late.messages)).toEqual([flood, null]);
  });

  it("knows of no flood after the feed was opened anew, until it is told", () => {
    const { hub, streams } = hubWithStreams();
    const tab = new Tab();
    hub.handle(tab, { join: "alarms", after: 0 });
    const stream = streams.get("/api/v1/alarms/feed");
    stream?.onEvent("flood", { on: true, at: "2026-07-01T00:00:00.000Z", count: 11 });
    stream?.onState(true);

    expect(tab.messages.at(-2)).toEqual({ stream: "alarms", flood: null });
  });
});
