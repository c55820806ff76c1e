import { Hub, type Join, type Message } from "./hub";

/** This tab's line to the hub: in a worker shared by all tabs, or its own where the browser has none. */
class Connection {
  private readonly port: MessagePort;
  private readonly listeners = new Set<(message: Message) => void>();

  constructor() {
    this.port = "SharedWorker" in globalThis ? sharedPort() : ownPort();
    this.port.onmessage = (event: MessageEvent<Message>) => {
      for (const listener of this.listeners) listener(event.data);
    };
    // A page that the browser had put aside has left the hub: only loading it anew brings it up to date.
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    addEventListener("pagehide", () => this.port.postMessage({ leave: true } satisfies Join));
  }

  join(request: Join, listener: (message: Message) => void): () => void {
    this.listeners.add(listener);
    this.port.postMessage(request);
    return () => this.listeners.delete(listener);
  }
}

function sharedPort(): MessagePort {
  return new SharedWorker(new URL("./hub.worker.ts", import.meta.url), { type: "module", name: "cityhall-streams" }).port;
}

function ownPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const hub = new Hub();
  port2.onmessage = (event: MessageEvent<Join>) => hub.handle(port2, event.data);
  return port1;
}

export const connection = new Connection();
