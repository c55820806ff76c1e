import { expect, it } from "vitest";

/** Sources of the dashboard by their path from here. */
const SOURCES = import.meta.glob<string>(["../../**/*.svelte", "../../**/*.ts", "!../../**/*.test.ts"], { query: "?raw", import: "default", eager: true });
const keyOf = (url: URL): string => url.pathname;
const sources = new Map(Object.entries(SOURCES).map(([path, text]) => [keyOf(new URL(path, "file:///src/lib/plant/")), text]));

/** Every module that a module brings along, itself too. */
function reached(start: string): string[] {
  const found = new Set([start]);
  for (const path of found) {
    for (const [, imported] of (sources.get(path) ?? "").matchAll(/from "(\.[^"]+)"/g)) {
      const target = keyOf(new URL(imported ?? "", `file://${path}`));
      const known = [target, `${target}.ts`].find((one) => sources.has(one));
      if (known) found.add(known);
    }
  }
  return [...found];
}

it("the fire page brings along no code that commands", () => {
  const modules = reached("/src/pages/Fire.svelte");
  expect(modules.length).toBeGreaterThan(10);
  expect(modules.filter((path) => /command/i.test(path))).toEqual([]);
});

it("neither the page nor its own parts send anything", () => {
  const own = reached("/src/pages/Fire.svelte").filter((path) => /\/(pages|components)\//.test(path));
  const sending = own.filter((path) => /\b(post|put|patch|remove|fetch)\(/.test(sources.get(path) ?? ""));
  expect(sending).toEqual([]);
});
