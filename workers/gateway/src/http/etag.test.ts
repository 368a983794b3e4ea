import { expect, test } from "vitest";
import { condition, etag, ifMatch } from "./etag.ts";

test("CP-5 If-Match names versions by their ETags", () => {
  expect(ifMatch(null)).toEqual({ ok: true, value: undefined });
  expect(ifMatch("*")).toEqual({ ok: true, value: "*" });
  expect(ifMatch(etag(12))).toEqual({ ok: true, value: [12] });
  expect(ifMatch('"1", "2"')).toEqual({ ok: true, value: [1, 2] });
});

test("CP-5 a weak tag and one that was never given out match nothing", () => {
  expect(ifMatch('W/"12"')).toEqual({ ok: true, value: [] });
  expect(ifMatch('"abc"')).toEqual({ ok: true, value: [] });
});

test("CP-5 If-None-Match demands with * that there is none, and nothing else", () => {
  const demanded = (headers: Record<string, string>) => condition(new Headers(headers));
  expect(demanded({})).toEqual({ ok: true, value: undefined });
  expect(demanded({ "if-match": '"1"' })).toEqual({ ok: true, value: [1] });
  expect(demanded({ "if-none-match": " * " })).toEqual({ ok: true, value: "none" });
  expect(demanded({ "if-none-match": '"1"' }).ok).toBe(false);
  expect(demanded({ "if-none-match": "*", "if-match": "*" }).ok).toBe(false);
});

test.each(["12", '"12', "", '"1" "2"'])("GW-1 If-Match %j is refused", (header) => {
  expect(ifMatch(header).ok).toBe(false);
});
