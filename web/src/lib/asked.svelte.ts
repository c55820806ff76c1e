import { get } from "./api";

/** What the service answers to an address, asked anew whenever the address changes. For a component's own script. */
export class Asked<T> {
  data = $state.raw<T>();
  /** Why there is no answer, in the service's words; empty while there is one, or none yet. */
  refusal = $state("");
  waiting = $state(true);

  /** An empty address asks nothing. What stands behind a `#` is not sent: another number there asks the same anew. */
  constructor(address: () => string) {
    $effect(() => {
      const asked = address();
      let wanted = true;
      if (asked === "") return;
      this.waiting = true;
      const told = (data: T | undefined, refusal: string): void => {
        if (!wanted) return;
        this.data = data;
        this.refusal = refusal;
        this.waiting = false;
      };
      get<T>(asked).then(
        (data) => told(data, ""),
        (error: unknown) => told(undefined, error instanceof Error ? error.message : String(error)),
      );
      return () => (wanted = false);
    });
  }
}
