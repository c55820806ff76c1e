import { expect, it } from "vitest";
import { latestOnly } from "./latest";

it("one is under way at a time, and of those that were wanted meanwhile only the latest follows", async () => {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const ask = latestOnly((wanted: number) => {
    begun.push(wanted);
    return new Promise<void>((resolve) => ends.push(resolve));
  });
  const settled = async (): Promise<void> => {
    ends.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
  };

  [1, 2, 3, 4].forEach(ask);
  expect(begun).toEqual([1]);
  await settled();
  expect(begun).toEqual([1, 4]);
  await settled();
  ask(5);
  expect(begun).toEqual([1, 4, 5]);
});
