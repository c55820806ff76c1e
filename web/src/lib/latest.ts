/** Let one piece of work run at a time; of what is wanted meanwhile only the latest is done afterwards. */
export function latestOnly<T>(work: (wanted: T) => Promise<void>): (wanted: T) => void {
  let running = false;
  let waiting: { wanted: T } | undefined;
  const run = async (wanted: T): Promise<void> => {
    running = true;
    await work(wanted);
    running = false;
    const next = waiting;
    waiting = undefined;
    if (next) void run(next.wanted);
  };
  return (wanted) => {
    if (running) waiting = { wanted };
    else void run(wanted);
  };
}
