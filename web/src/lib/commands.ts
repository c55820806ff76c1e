import { get, post, type Schemas } from "./api";
import { operator } from "./operator.svelte";
import { openStream } from "./stream";

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

const who = (): { by: string } => ({ by: operator.name.trim() });
const path = (command: Command, step: string): string => `/commands/${encodeURIComponent(command.command)}/${step}`;

/** First step; a null value gives the priority up. */
export const select = (point: string, value: number | null, reason: string): Promise<Selection> =>
  post<Selection>("/commands", { point, value, reason, priority: BY_HAND, ...who() });

/** Second step. */
export const confirm = ({ command, token }: Selection): Promise<Command> =>
  post<Command>(path(command, "confirmation"), { token, ...who() });

export const cancel = (command: Command): Promise<Command> => post<Command>(path(command, "cancellation"), who());

/** Agree, as a second person. */
export const approve = (command: Command): Promise<Command> => post<Command>(path(command, "approval"), who());

export const approveBulk = (bulk: string): Promise<Bulk> =>
  post<Bulk>(`/commands/bulks/${encodeURIComponent(bulk)}/approval`, who());

/** Let an override by hand stand longer, from now. */
export const extend = (point: string, hours: number, reason: string): Promise<Priorities> =>
  post<Priorities>(`/points/${encodeURIComponent(point)}/override/extension`, { hours, reason, ...who() });

export const command = (name: string): Promise<Command> => get<Command>(`/commands/${encodeURIComponent(name)}`);

/** Hear of everything that happens to commands; `onLost`: some was missed, ask anew. Gives what ends it. */
export function followCommands(onNews: (news: News) => void, onLost: () => void): () => void {
  let opened = false;
  return openStream(() => "/api/v1/commands/stream", ["command", "lost"], {
    onEvent: (type, data) => (type === "command" ? onNews(data as News) : onLost()),
    onState: (connected) => {
      if (connected && opened) onLost();
      opened ||= connected;
    },
  });
}
