import { expect, test } from "vitest";
import { continueTrace, randomHex, traceparent } from "./trace-context.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";
const span = "00f067aa0ba902b7";

test("GW-2 a trace is continued with the caller's flags", () => {
  const context = continueTrace(`00-${trace}-${parent}-01`, span);
  expect(context).toEqual({ traceId: trace, spanId: span, parentSpanId: parent, flags: "01" });
  expect(context && traceparent(context)).toBe(`00-${trace}-${span}-01`);
});

test("GW-2 a later version may have more fields, version 00 may not", () => {
  expect(continueTrace(`01-${trace}-${parent}-01-more`, span)?.traceId).toBe(trace);
  expect(continueTrace(`00-${trace}-${parent}-01-more`, span)).toBeUndefined();
});

test.each([
  "",
  "x",
  `ff-${trace}-${parent}-01`,
  `00-${"0".repeat(32)}-${parent}-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  `00-${trace.toUpperCase()}-${parent}-01`,
])("GW-2 %j is no trace", (header) => {
  expect(continueTrace(header, span)).toBeUndefined();
});

test("random ids are of their length and not zero", () => {
  expect(randomHex(16)).toMatch(/^[0-9a-f]{16}$/);
  expect(randomHex(16)).not.toMatch(/^0+$/);
});
