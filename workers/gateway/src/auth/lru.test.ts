import { expect, test } from "vitest";
import { Lru } from "./lru.ts";

test("CP-11 forgets what was used longest ago, and holds no more than its capacity", () => {
  const lru = new Lru<string, number>(2);
  lru.set("a", 1);
  lru.set("b", 2);
  expect(lru.get("a")).toBe(1);
  lru.set("c", 3);
  expect(lru.get("b")).toBeUndefined();
  expect([lru.get("a"), lru.get("c"), lru.size]).toEqual([1, 3, 2]);
});

test("setting a known key again makes it the newest", () => {
  const lru = new Lru<string, number>(2);
  lru.set("a", 1);
  lru.set("b", 2);
  lru.set("a", 3);
  lru.set("c", 4);
  expect([lru.get("a"), lru.get("b")]).toEqual([3, undefined]);
});

test("what was the newest and is deleted is gone", () => {
  const lru = new Lru<string, number>(2);
  lru.set("a", 1);
  lru.delete("a");
  expect(lru.get("a")).toBeUndefined();
});
