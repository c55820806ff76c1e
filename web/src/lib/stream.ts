/** One server-sent stream. The browser reconnects by itself and resumes by `Last-Event-ID`. */
export interface StreamEvents {
  onEvent: (type: string, data: unknown) => void;
  onState: (connected: boolean) => void;
}

const RETRY_MS = 2_000;

export function openStream(url: () => string, types: readonly string[], events: StreamEvents): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const connect = (): void => {
    source = new EventSource(url());
    source.onopen = () => events.onState(true);
    source.onerror = () => {
      events.onState(false);
      // A refused connection closes the source for good: only then is it up to us to try again.
      if (source?.readyState === EventSource.CLOSED && !stopped) timer = setTimeout(connect, RETRY_MS);
    };
    for (const type of types) {
      source.addEventListener(type, (event) => events.onEvent(type, JSON.parse((event as MessageEvent<string>).data)));
    }
  };

  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source?.close();
  };
}
