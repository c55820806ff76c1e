import { get, post, type Schemas } from "./api";
import { connection } from "./connection";

export type Bulk = Schemas["Bulk"];
export type Choices = Schemas["Choices"];
export type Command = Schemas["Command"];
export type Commands = Schemas["CommandPage"];
export type DevicePriorities = Schemas["DevicePriorities"];
export type Overrides = Schemas["Overrides"];
export type Priorities = Schemas["Priorities"];
type Selection = Schemas["Selection"];

/** What happened to a command, as the stream tells it. */
interface News {
  type: string;
  point: string;
  command: Command | null;
}

/** Priority of a person (docs/reference/commands.md). */
export const BY_HAND = 8;
const OVER = new Set(["DONE", "FAILED", "REFUSED", "CANCELLED", "REVERTED"]);

export const isOver = (command: Command): boolean => OVER.has(command.state);

const path = (command: Command, step: string): string => `/commands/${encodeURIComponent(command.command)}/${step}`;

/** First step; a null value gives the priority up. */
export const select = (point: string, value: number | null, reason: string): Promise<Selection> =>
  post<Selection>("/commands", { point, value, reason, priority: BY_HAND });

/** Second step. */
export const confirm = ({ command, token }: Selection): Promise<Command> =>
  post<Command>(path(command, "confirmation"), { token });

export const cancel = (command: Command): Promise<Command> => post<Command>(path(command, "cancellation"), {});

/** Agree, as a second person. */
export const approve = (command: Command): Promise<Command> => post<Command>(path(command, "approval"), {});

export const approveBulk = (bulk: string): Promise<Bulk> =>
  post<Bulk>(`/commands/bulks/${encodeURIComponent(bulk)}/approval`, {});

/** Let an override by hand stand longer, from now. */
export const extend = (point: string, hours: number, reason: string): Promise<Priorities> =>
  post<Priorities>(`/points/${encodeURIComponent(point)}/override/extension`, { hours, reason });

export const command = (name: string): Promise<Command> => get<Command>(`/commands/${encodeURIComponent(name)}`);

interface Listener {
  onNews: (news: News) => void;
  onLost: () => void;
}

const listeners = new Set<Listener>();
let joined = false;

/** Hear of everything that happens to commands; `onLost`: some was missed, ask anew. Gives what ends it. */
export function followCommands(onNews: Listener["onNews"], onLost: Listener["onLost"]): () => void {
  const listener = { onNews, onLost };
  listeners.add(listener);
  if (!joined) join();
  return () => listeners.delete(listener);
}

/** All tabs hear by one stream: a browser allows six connections to a host. */
function join(): void {
  joined = true;
  connection.join({ join: "commands" }, (message) => {
    if (message.stream !== "commands") return;
    if ("news" in message) listeners.forEach((each) => each.onNews(message.news as News));
    else if ("lost" in message) listeners.forEach((each) => each.onLost());
  });
}
