/** One server-sent stream. The browser reconnects by itself and resumes by `Last-Event-ID`. */
export interface StreamEvents {
  onEvent: (type: string, data: unknown) => void;
  onState: (connected: boolean) => void;
}

const RETRY_MS = 2_000;

/** `silentMaxMs`: a stream that says something at least that often is dead when it does not, and is opened anew. */
export function openStream(
  url: () => string,
  types: readonly string[],
  events: StreamEvents,
  silentMaxMs = Infinity,
): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const heard = (): void => {
    clearTimeout(silence);
    if (silentMaxMs < Infinity) silence = setTimeout(giveUp, silentMaxMs);
  };
  const giveUp = (): void => {
    source?.close();
    events.onState(false);
    connect();
  };
  const connect = (): void => {
    source = new EventSource(url());
    heard();
    source.onopen = () => {
      heard();
      events.onState(true);
    };
    source.onerror = () => {
      events.onState(false);
      // A refused connection closes the source for good: only then is it up to us to try again.
      if (source?.readyState !== EventSource.CLOSED || stopped) return;
      clearTimeout(silence);
      timer = setTimeout(connect, RETRY_MS);
    };
    for (const type of types) {
      source.addEventListener(type, (event) => {
        heard();
        events.onEvent(type, JSON.parse((event as MessageEvent<string>).data));
      });
    }
  };

  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    clearTimeout(silence);
    source?.close();
  };
}
