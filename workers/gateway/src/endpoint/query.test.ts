import fc from "fast-check";
import { expect, test } from "vitest";
import { parseQuery } from "./query.ts";

const parsed = (query: string) => {
  const result = parseQuery(`http://gateway.test/x${query}`);
  return result.ok ? { ...result.value } : result.refusal.code;
};

test("reads parameters as forms write them", () => {
  expect(parsed("")).toEqual({});
  expect(parsed("?")).toEqual({});
  expect(parsed("?key=a%2Fb&limit=10")).toEqual({ key: "a/b", limit: "10" });
  expect(parsed("?key=a+b%2Bc&flag")).toEqual({ key: "a b+c", flag: "" });
});

test("GW-1 refuses what could be read in two ways", () => {
  expect(parsed("?key=%ff")).toBe("invalid_parameter");
  expect(parsed("?key=%")).toBe("invalid_parameter");
  expect(parsed("?key=a&key=b")).toBe("invalid_parameter");
  expect(parsed(`?${Array.from({ length: 21 }, (_, index) => `p${index}`).join("&")}`)).toBe("invalid_parameter");
});

test("RL-21 every well-formed key comes through, __proto__ included", () => {
  expect(parsed("?__proto__=x")).toEqual(Object.fromEntries([["__proto__", "x"]]));
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (key) => {
      expect(parsed(`?${new URLSearchParams({ key })}`)).toEqual({ key });
      expect(parsed(`?key=${encodeURIComponent(key)}`)).toEqual({ key });
    }),
  );
});
