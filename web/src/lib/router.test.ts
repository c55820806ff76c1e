import { beforeAll, describe, expect, it, vi } from "vitest";

type Module = typeof import("./router.svelte");
let router: Module;

beforeAll(async () => {
  vi.stubGlobal("location", { hash: "" });
  vi.stubGlobal("addEventListener", () => undefined);
  router = await import("./router.svelte");
});

describe("addresses of pages", () => {
  it("lead to their page with what it shows", () => {
    const place = router.placeOf("#/energy?period=2026-06");
    expect(place.page).toBe("energy");
    expect(place.query.get("period")).toBe("2026-06");
  });

  it("that nobody knows lead to the overview", () => {
    for (const hash of ["", "#", "#/", "#/nowhere", "#/%E0%A4%A"]) {
      expect(router.placeOf(hash).page).toBe("overview");
    }
  });

  it("are made so that they are read as they were meant", () => {
    const address = router.addressOf("energy", { period: "104H1", tenant: "", commodity: "water" });
    expect(address).toBe("#/energy?period=104H1&commodity=water");
    expect(router.placeOf(address).query.get("commodity")).toBe("water");
    expect(router.addressOf("overview")).toBe("#/");
  });
});
