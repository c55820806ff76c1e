import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openStream } from "./stream";

class Source {
  static readonly CLOSED = 2;
  static all: Source[] = [];
  onopen: (() => void) | undefined;
  onerror: (() => void) | undefined;
  readyState = 1;
  private readonly listeners = new Map<string, (event: { data: string }) => void>();
  constructor(readonly url: string) {
    Source.all.push(this);
  }
  addEventListener(type: string, listener: (event: { data: string }) => void): void {
    this.listeners.set(type, listener);
  }
  say(type: string, data: unknown): void {
    this.listeners.get(type)?.({ data: JSON.stringify(data) });
  }
  close(): void {
    this.readyState = Source.CLOSED;
  }
}

describe("a stream", () => {
  const states: boolean[] = [];
  const events = { onEvent: () => undefined, onState: (connected: boolean) => states.push(connected) };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("EventSource", Source);
    Source.all = [];
    states.length = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("that goes silent is dead within its time, and opened anew where it stood", () => {
    let place = 0;
    openStream(() => `feed?after=${place}`, ["position"], events, 5_000);
    const [first] = Source.all;
    first?.onopen?.();
    vi.advanceTimersByTime(4_000);
    first?.say("position", {});
    vi.advanceTimersByTime(4_000);
    expect(states).toEqual([true]);

    place = 7;
    vi.advanceTimersByTime(1_000);

    expect(states).toEqual([true, false]);
    expect(first?.readyState).toBe(Source.CLOSED);
    expect(Source.all.map((source) => source.url)).toEqual(["feed?after=0", "feed?after=7"]);
  });

  it("that may be silent stays, and one that was closed opens no other", () => {
    openStream(() => "points", [], events);
    const close = openStream(() => "feed", [], events, 5_000);
    close();
    vi.advanceTimersByTime(60_000);

    expect(Source.all).toHaveLength(2);
    expect(Source.all[0]?.readyState).toBe(1);
  });

  it("that is refused is tried again later, once", () => {
    openStream(() => "feed", [], events, 5_000);
    const [first] = Source.all;
    first?.close();
    first?.onerror?.();
    vi.advanceTimersByTime(2_000);

    expect(Source.all).toHaveLength(2);
    vi.advanceTimersByTime(4_000);
    expect(Source.all).toHaveLength(2);
  });
});
