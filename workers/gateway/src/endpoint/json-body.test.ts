import fc from "fast-check";
import { expect, test } from "vitest";
import { isJson, parseJson, readText } from "./json-body.ts";

function request(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request("http://gateway.test/", { method: "POST", body, headers, duplex: "half" } as RequestInit);
}

/** A body that does not tell its length. */
function streamed(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

test("GW-3 a body of exactly the bound is read, one byte more is not", async () => {
  for (const told of [true, false]) {
    for (const [sizeBytes, fits] of [
      [10, true],
      [11, false],
    ] as const) {
      const bytes = new Uint8Array(sizeBytes).fill(0x20);
      const headers: Record<string, string> = told ? { "content-length": String(sizeBytes) } : {};
      const read = await readText(request(told ? bytes : streamed([bytes.slice(0, 5), bytes.slice(5)]), headers), 10);
      expect([told, sizeBytes, read.ok]).toEqual([told, sizeBytes, fits]);
      if (!read.ok) expect(read.refusal.code).toBe("body_too_large");
    }
  }
});

test("GW-3 an endless body is given up at the bound", async () => {
  let pulls = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulls++;
      controller.enqueue(new Uint8Array(1000));
    },
  });
  expect((await readText(request(endless), 10_000)).ok).toBe(false);
  expect(pulls).toBeLessThan(20);
});

test("a character may stand across two chunks", async () => {
  const bytes = new TextEncoder().encode("é");
  expect(await readText(request(streamed([bytes.slice(0, 1), bytes.slice(1)])), 10)).toEqual({ ok: true, value: "é" });
});

test("GW-1 nesting is bounded before anything recursive sees it, brackets in strings aside", () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  expect(parseJson(nested(32)).ok).toBe(true);
  expect(parseJson(nested(33)).ok).toBe(false);
  expect(parseJson(JSON.stringify('[{\\"'.repeat(100))).ok).toBe(true);
});

test("parseJson agrees with JSON.parse on every value", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      expect(parseJson(JSON.stringify(value))).toEqual({ ok: true, value: JSON.parse(JSON.stringify(value)) });
    }),
  );
});

test.each([
  ["application/json", true],
  ["application/json; charset=utf-8", true],
  ['Application/JSON;charset="UTF-8"', true],
  ["application/json; charset=latin1", false],
  ["application/problem+json", false],
  ["application/jsonp", false],
  ["text/json", false],
  [null, false],
])("isJson(%j) is %j", (contentType, expected) => {
  expect(isJson(contentType)).toBe(expected);
});

test("GW-1 RL-21 bytes that are not UTF-8 are refused, and U+FFFD unless it is escaped", async () => {
  const bodies = [
    [0x22, 0xff, 0x22],
    // The beginning of a character of four bytes: as long as what a decoder puts in its place.
    [0x22, 0xf0, 0x9f, 0x98, 0x22],
    [0xef, 0xbb, 0xbf, 0x22, 0xff, 0xe2, 0x82, 0x22],
    [...new TextEncoder().encode('"\ufffd"')],
  ];
  const escaped = new TextEncoder().encode('"\\ufffd"');
  for (const told of [true, false]) {
    const read = (bytes: Uint8Array) => {
      const headers: Record<string, string> = told ? { "content-length": String(bytes.length) } : {};
      return readText(request(told ? bytes.slice() : streamed([bytes]), headers), 100);
    };
    for (const body of bodies) {
      expect(await read(new Uint8Array(body))).toMatchObject({ ok: false, refusal: { code: "invalid_json" } });
    }
    expect(await read(escaped)).toEqual({ ok: true, value: '"\\ufffd"' });
  }
});
