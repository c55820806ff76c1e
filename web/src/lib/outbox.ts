import { post, ProblemError, type Schemas } from "./api";

/** A file that goes with an entry: into `documents`, or into those of the finding of a number. */
export interface Photo {
  file: Blob;
  name: string;
  what: "before" | "after" | "paper";
  finding?: number;
}

/** Something that somebody said and that is not on its way yet; `refusal` is why the service did not take it. */
export interface Entry {
  /** Begins with the time, so that what was said first is sent first. */
  id: string;
  /** Who said it: nobody else's session sends it. */
  by: string;
  path: string;
  body: Record<string, unknown>;
  photos: Photo[];
  label: string;
  refusal?: string;
}

const NAME = "cityhall-maintenance";
type Table = "entries" | "drafts";
const NOBODY = 401;

/** Entries that outlive the page, a dead battery and a basement without a network. */
async function table<T>(name: Table, mode: IDBTransactionMode, act: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => {
      for (const each of ["entries", "drafts"] satisfies Table[]) opening.result.createObjectStore(each, { keyPath: "id" });
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error ?? new Error(NAME));
  });
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(name, mode);
      const asked = act(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error(name));
    });
  } finally {
    database.close();
  }
}

export const keep = (entry: Entry): Promise<IDBValidKey> => table("entries", "readwrite", (rows) => rows.put(entry));
export const drop = (id: string): Promise<undefined> => table("entries", "readwrite", (rows) => rows.delete(id));
export const kept = (): Promise<Entry[]> => table("entries", "readonly", (rows) => rows.getAll() as IDBRequest<Entry[]>);

/** Something that is not finished yet, under a name: a round that is being walked. */
export const keepDraft = (id: string, draft: object): Promise<IDBValidKey> =>
  table("drafts", "readwrite", (rows) => rows.put({ id, draft }));
export const dropDraft = (id: string): Promise<undefined> => table("drafts", "readwrite", (rows) => rows.delete(id));
export const draftOf = async <T>(id: string): Promise<T | undefined> =>
  (await table("drafts", "readonly", (rows) => rows.get(id) as IDBRequest<{ draft: T } | undefined>))?.draft;

/** Send one entry with its files. Throws a `ProblemError` when it was refused, anything else when nobody heard it. */
export async function send<T>(entry: Entry): Promise<T> {
  const body = structuredClone(entry.body);
  for (const photo of entry.photos) {
    const document = await upload(photo);
    const holder = photo.finding === undefined ? body : (body.findings as Record<string, unknown>[])[photo.finding];
    if (!holder) continue;
    const given = { sha256: document.sha256, name: document.name, what: photo.what };
    holder.documents = [...((holder.documents as unknown[]) ?? []), given];
  }
  return post<T>(entry.path, body);
}

async function upload(photo: Photo): Promise<Schemas["WorkDocument"]> {
  const response = await fetch(`/api/v1/maintenance/documents?name=${encodeURIComponent(photo.name)}`, {
    method: "POST",
    headers: { "Content-Type": photo.file.type || "application/octet-stream" },
    body: photo.file,
    signal: AbortSignal.timeout(60_000),
  });
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as Schemas["WorkDocument"];
  throw new ProblemError((answer as { detail?: string } | null)?.detail ?? String(response.status), response.status);
}

/** Whether the service said no, so that sending it again would change nothing; signed out, one signs in and goes on. */
export const isRefusal = (error: unknown): error is ProblemError =>
  error instanceof ProblemError && error.status < 500 && error.status !== NOBODY;

