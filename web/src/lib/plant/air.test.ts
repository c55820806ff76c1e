import { expect, it } from "vitest";
import { worstOf } from "./air";

it("never takes what is unknown for what is inside", () => {
  expect(worstOf(["inside", "unknown"])).toBe("unknown");
  expect(worstOf(["unknown", "exceeded"])).toBe("exceeded");
  expect(worstOf(["inside", "inside"])).toBe("inside");
  expect(worstOf([])).toBe("unknown");
});
