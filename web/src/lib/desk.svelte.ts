import { alarms, type ShelfEnd } from "./alarms.svelte";
import type { Alarm } from "./api";
import { i18n } from "./i18n.svelte";

/** What somebody does to alarms, and what came of it. */
export class Desk {
  /** Why the last thing was not done; empty when it was. */
  message = $state("");

  /** Do something; says whether it was recorded. */
  async act(work: () => Promise<unknown>): Promise<boolean> {
    try {
      this.message = "";
      await work();
      return true;
    } catch (error) {
      this.message = i18n.t("failed", { why: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }

  acknowledge(alarm: Alarm, comment = ""): Promise<boolean> {
    return this.act(() => alarms.ask(alarm, "acknowledge", { comment }));
  }

  /** Acknowledge several: each by itself, and why some were refused. */
  acknowledgeAll(waiting: readonly Alarm[], comment = ""): Promise<boolean> {
    return this.act(async () => {
      const refusals = await alarms.acknowledgeAll(waiting, comment);
      if (refusals.length > 0) this.message = i18n.t("refusedSome", { n: refusals.length, why: refusals[0] ?? "" });
    });
  }

  shelve(alarm: Alarm, reason: string, end: ShelfEnd): Promise<boolean> {
    return this.act(() => alarms.ask(alarm, "shelve", { reason, ...end }));
  }

  /** What needs no words: `unshelve`, `reset`, `return-to-service`. */
  simply(alarm: Alarm, action: "unshelve" | "reset" | "return-to-service"): Promise<boolean> {
    return this.act(() => alarms.ask(alarm, action, {}));
  }

  note(alarm: Alarm, comment: string): Promise<boolean> {
    return this.act(() => alarms.ask(alarm, "comments", { comment }));
  }

  takeOutOfService(alarm: Alarm, permit: string, reason: string): Promise<boolean> {
    return this.act(() => alarms.ask(alarm, "out-of-service", { permit, reason }));
  }
}
