/** Says when something is to be asked again: now and then, and after somebody changed it. For a component's own script. */
export class Again {
  count = $state(0);

  constructor(everyMs: number) {
    $effect(() => {
      const timer = setInterval(() => (this.count += 1), everyMs);
      return () => clearInterval(timer);
    });
  }

  /** Something was recorded: what is read follows the record within a moment. */
  soon(): void {
    for (const inMs of [0, 300, 1_500]) setTimeout(() => (this.count += 1), inMs);
  }
}
