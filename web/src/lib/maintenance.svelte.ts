import type { Schemas } from "./api";
import { Asked } from "./asked.svelte";
import { i18n } from "./i18n.svelte";
import { session } from "./session.svelte";
import { drop, isRefusal, keep, kept, send, type Entry, type Photo } from "./outbox";

export type Order = Schemas["WorkOrder"];
export type Step = Schemas["WorkStep"];
export type Task = Schemas["MaintenanceTask"];
export type Finding = Schemas["PatrolFinding"];
export type Category = Schemas["Category"];

export const CATEGORIES = [
  "clear_corridors", "working_facilities", "clean_surroundings", "ceiling_and_floor",
] as const satisfies readonly Category[];

const EVERY_MS = 10_000;
const PIXELS_MAX = 1_600;
const JPEG = 0.8;

/** Who is signed in. */
export const me = (): string => session.who?.account ?? "";

/** A name for a submission that no other has; the service knows by it what it heard before. */
export const newKey = (): string => `${Date.now()}-${crypto.randomUUID()}`;

/** What was said on this device: sent at once, or kept until there is a network. */
class Outbox {
  waiting = $state.raw<Entry[]>([]);
  /** Counts what was taken: lists are asked anew. */
  taken = $state(0);
  private sending = false;

  /** Say something; gives the answer, or nothing where it was kept for later. A refusal is thrown. */
  async say<T>(path: string, body: Record<string, unknown>, photos: Photo[], label: string): Promise<T | undefined> {
    const entry: Entry = { id: newKey(), by: me(), path, body, photos, label };
    try {
      // What waits goes first, so that the record has everything in the order in which it was done.
      if (this.own.length) await this.flush();
      if (this.own.length) throw new Error(path);
      const answer = await send<T>(entry);
      this.taken += 1;
      return answer;
    } catch (error) {
      if (isRefusal(error)) throw error;
      // Of an order the service is told when it happened; a round says so itself.
      if (path.startsWith("/maintenance/orders/") && !("at" in body)) entry.body = { ...body, at: new Date().toISOString() };
      await keep(entry);
      await this.load();
      return undefined;
    }
  }

  /** What waits to be sent in the name of whoever is signed in. */
  private get own(): Entry[] {
    return this.waiting.filter((entry) => !entry.refusal && entry.by === me());
  }

  async load(): Promise<void> {
    this.waiting = await kept();
  }

  /** Send what waits, in its order; stops at the first that nobody hears. */
  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      for (const entry of await kept()) {
        if (entry.refusal || entry.by !== me()) continue;
        try {
          await send(entry);
          await drop(entry.id);
          this.taken += 1;
        } catch (error) {
          if (!isRefusal(error)) return;
          await keep({ ...entry, refusal: error.message });
        }
      }
    } finally {
      this.sending = false;
      await this.load();
    }
  }

  async discard(id: string): Promise<void> {
    await drop(id);
    await this.load();
  }

  /** Keep sending while a page is open; for its `$effect`. */
  watch(): () => void {
    void this.load().then(() => this.flush());
    const again = (): void => void this.flush();
    const timer = setInterval(() => this.own.length && again(), EVERY_MS);
    addEventListener("online", again);
    return () => {
      clearInterval(timer);
      removeEventListener("online", again);
    };
  }
}

export const outbox = new Outbox();

/** What became of what somebody said last: sent, kept until there is a network, or refused in the service's words. */
export class Told {
  private answered = $state<"sent" | "kept">();
  private refusal = $state("");

  /** Do something; gives its answer, none where it was kept for later or refused. `done` tells the two apart. */
  async by<T>(act: () => Promise<T | undefined>): Promise<{ done: boolean; answer?: T | undefined }> {
    this.answered = undefined;
    this.refusal = "";
    try {
      const answer = await act();
      this.answered = answer === undefined ? "kept" : "sent";
      return { done: true, answer };
    } catch (error) {
      this.refusal = error instanceof Error ? error.message : String(error);
      return { done: false };
    }
  }

  get text(): string {
    if (this.refusal || !this.answered) return this.refusal;
    return i18n.t(this.answered === "kept" && outbox.waiting.length ? "mt_kept" : "mt_sent");
  }
}

/** A list that is asked anew whenever something of ours was taken, and every ten seconds. */
export class Fresh<T> {
  private turn = $state(0);
  private asked: Asked<T>;
  /** What was known last stays in sight while it is asked again. */
  private last = $state.raw<T>();

  constructor(address: () => string) {
    this.asked = new Asked<T>(() => {
      const path = address();
      // The part behind # is never sent: it only makes another address of the same question.
      return path && `${path}#${this.turn}.${outbox.taken}`;
    });
    $effect(() => {
      if (this.asked.data !== undefined) this.last = this.asked.data;
    });
    $effect(() => {
      const timer = setInterval(() => (this.turn += 1), EVERY_MS);
      return () => clearInterval(timer);
    });
  }

  get data(): T | undefined {
    return this.asked.data ?? this.last;
  }

  get refusal(): string {
    return this.asked.refusal;
  }

  get waiting(): boolean {
    return this.asked.waiting && this.last === undefined;
  }
}

/** A photo as it is sent: no larger than people need; a paper as it is. */
export async function prepared(file: File, what: Photo["what"], finding?: number): Promise<Photo> {
  const more = finding === undefined ? {} : { finding };
  if (!file.type.startsWith("image/")) return { file, name: file.name, what, ...more };
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, PIXELS_MAX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const shrunk = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG));
  return { file: shrunk ?? file, name: file.name, what, ...more };
}
