import { get } from "./api";

interface Page<T> {
  items: T[];
  next: string | null;
}

/** Rows that come page by page, from the begin again whenever the question changes. For a component's own script. */
export class Pages<T> {
  rows = $state.raw<readonly T[]>([]);
  next = $state<string | null>(null);
  refusal = $state("");
  waiting = $state(true);
  private address = "";

  constructor(address: () => string) {
    $effect(() => {
      this.address = address();
      this.rows = [];
      void this.ask(this.address, null);
    });
  }

  /** Ask for the next page. */
  more(): void {
    if (this.next !== null && !this.waiting) void this.ask(this.address, this.next);
  }

  private async ask(address: string, cursor: string | null): Promise<void> {
    this.waiting = true;
    try {
      const page = await get<Page<T>>(`${address}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      if (address !== this.address) return;
      this.rows = cursor ? [...this.rows, ...page.items] : page.items;
      [this.next, this.refusal] = [page.next, ""];
    } catch (error) {
      if (address === this.address) this.refusal = error instanceof Error ? error.message : String(error);
    }
    if (address === this.address) this.waiting = false;
  }
}
