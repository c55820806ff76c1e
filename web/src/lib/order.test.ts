import { describe, expect, it } from "vitest";
import { chosenAfter, held } from "./order";

const rows = (text: string): { id: string }[] => [...text].map((id) => ({ id }));

describe("a list under the pointer", () => {
  it("keeps its order and takes new rows at its end", () => {
    expect(held(["a", "b", "c"], rows("xcab")).map((row) => row.id).join("")).toBe("abcx");
  });

  it("drops what is gone", () => {
    expect(held(["a", "b", "c"], rows("ca")).map((row) => row.id).join("")).toBe("ac");
  });

  it("shows the newest picture of each row", () => {
    expect(held(["a"], [{ id: "a", state: "ACKED" }])).toEqual([{ id: "a", state: "ACKED" }]);
  });
});

describe("the chosen row", () => {
  it("is the first one at first", () => expect(chosenAfter(null, [], rows("ab"))).toBe("a"));
  it("stays when a new row appears above it", () => expect(chosenAfter("a", ["a", "b"], rows("xab"))).toBe("a"));
  it("is followed by the one in its place", () => expect(chosenAfter("b", ["a", "b", "c"], rows("ac"))).toBe("c"));
  it("is followed by the last one at the end", () => expect(chosenAfter("c", ["a", "b", "c"], rows("ab"))).toBe("b"));
  it("is none when there is none", () => expect(chosenAfter("a", ["a"], [])).toBe(null));
});
