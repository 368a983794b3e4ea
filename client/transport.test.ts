import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BreakwaterError } from "./error.ts";
import { Breakwater } from "./index.ts";
import { connectionFails, fakeGateway, hangs, problem, says, settle } from "./testing/fake-gateway.ts";

const allowed = { allowed: true, results: [] };
const check = { limit: "api", key: "user:1" };
const unavailable = problem(503, "overloaded");

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("requests", () => {
  test("carry credentials, JSON, and what is left of the call's time", async () => {
    const { client, seen } = fakeGateway([says(allowed)]);
    await client.limits.check({ ...check, cost: 2 }, { timeoutMs: 1234, traceparent: "00-ab-cd-01" });
    const [request] = seen;
    expect(request).toMatchObject({ method: "POST", url: "https://gateway.test/v1/limits/check" });
    expect(request?.body).toEqual({ checks: [{ limit: "api", key: "user:1", cost: 2 }] });
    expect(Object.fromEntries(request?.headers ?? [])).toEqual({
      accept: "application/json, application/problem+json",
      authorization: "Bearer bw_id_secret",
      "content-type": "application/json",
      traceparent: "00-ab-cd-01",
      "x-request-timeout-ms": "1234",
    });
  });

  test("later attempts pass on what remains", async () => {
    const { client, seen } = fakeGateway([unavailable, unavailable, says({ keys: [] })]);
    await settle(client.keys.list({ timeoutMs: 1000 }));
    expect(seen.map(({ headers }) => headers.get("x-request-timeout-ms"))).toEqual(["1000", "950", "850"]);
  });

  test("ask for the token before each attempt", async () => {
    const token = vi.fn().mockReturnValueOnce("one").mockResolvedValueOnce("two");
    const { client, seen } = fakeGateway([unavailable, says({ keys: [] })], { token });
    await settle(client.keys.list());
    expect(seen.map(({ headers }) => headers.get("authorization"))).toEqual(["Bearer one", "Bearer two"]);
  });

  test("a token function that throws rejects the call with what it threw", async () => {
    const failure = new Error("no token");
    const token = () => {
      throw failure;
    };
    const { client, seen } = fakeGateway([], { token });
    await expect(client.keys.list()).rejects.toBe(failure);
    expect(seen).toHaveLength(0);
  });

  test("keep a path prefix of the base URL", async () => {
    const { client, seen } = fakeGateway([says({ keys: [] })], { baseUrl: new URL("https://example.com/limits/") });
    await client.keys.list({ limit: 5, cursor: "a&b=c" });
    expect(seen[0]?.url).toBe("https://example.com/limits/v1/keys?limit=5&cursor=a%26b%3Dc");
  });

  test.each([["ftp://example.com"], ["https://user@example.com"], ["https://example.com/?a=b"]])(
    "a base URL such as %s is refused",
    (baseUrl) => {
      expect(() => new Breakwater({ baseUrl })).toThrow(RangeError);
    },
  );

  test.each([0, -1, 1.5, Number.NaN, 1_000_000_000])("a timeout of %s is refused", async (timeoutMs) => {
    expect(() => new Breakwater({ baseUrl: "https://gateway.test", timeoutMs })).toThrow(RangeError);
    const { client } = fakeGateway([]);
    await expect(client.keys.list({ timeoutMs })).rejects.toThrow(RangeError);
  });
});

describe("retries", () => {
  test("GET, PUT and DELETE are repeated without an Idempotency-Key", async () => {
    const { client, seen } = fakeGateway([
      unavailable,
      says({ name: "api" }, 201),
      connectionFails("ECONNRESET"),
      says({ name: "api" }),
      problem(500, "internal"),
      () => new Response(null, { status: 204 }),
    ]);
    expect(
      (await settle(client.limits.put("api", { algorithm: "fixed-window", limit: 1, windowMs: 1 }))).error,
    ).toBeUndefined();
    expect((await settle(client.limits.get("api"))).error).toBeUndefined();
    expect((await settle(client.limits.delete("api"))).error).toBeUndefined();
    expect(seen.map(({ method }) => method)).toEqual(["PUT", "PUT", "GET", "GET", "DELETE", "DELETE"]);
    expect(seen.every(({ headers }) => !headers.has("idempotency-key"))).toBe(true);
  });

  test("a POST that changes something is repeated under one Idempotency-Key, another call under another", async () => {
    const { client, seen } = fakeGateway([
      connectionFails("ECONNRESET"),
      problem(409, "idempotency_key_in_use"),
      says({ limit: "api", key: "a" }),
      says({ limit: "api", key: "a" }),
    ]);
    await settle(client.limits.refund("api", "a", 1));
    await settle(client.limits.refund("api", "a", 1));
    const keys = seen.map(({ headers }) => headers.get("idempotency-key"));
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(keys[3]).not.toBe(keys[0]);
  });

  test("with retries off no Idempotency-Key is made", async () => {
    const { client, seen } = fakeGateway([unavailable], { maxAttempts: 1 });
    expect((await settle(client.limits.refund("api", "a", 1))).error).toBeInstanceOf(BreakwaterError);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.headers.has("idempotency-key")).toBe(false);
  });

  test.each([
    ["a broken connection", connectionFails("ECONNRESET")],
    ["500", problem(500, "internal")],
    ["outcome_unknown", problem(503, "outcome_unknown")],
    ["504", problem(504, "deadline_exceeded")],
    ["a proxy's 502", () => new Response("<h1>Bad gateway</h1>", { status: 502 })],
  ])("a check is not repeated after %s", async (_, reply) => {
    const { client, seen } = fakeGateway([reply]);
    const { error } = await settle(client.limits.check(check));
    expect(error).toMatchObject({ name: "BreakwaterError", retryable: true });
    expect(seen).toHaveLength(1);
  });

  test.each([
    ["a connection that was never made", connectionFails("ECONNREFUSED")],
    ["overloaded", unavailable],
    ["a missing control plane", problem(503, "control_plane_unavailable")],
    ["a refusal before the check", problem(429, "quota_exceeded")],
  ])("a check is repeated after %s", async (_, reply) => {
    const { client, seen } = fakeGateway([reply, says(allowed)]);
    expect(await settle(client.limits.check(check))).toEqual({ value: allowed });
    expect(seen).toHaveLength(2);
    expect(seen.every(({ headers }) => !headers.has("idempotency-key"))).toBe(true);
  });

  test("a check under an Idempotency-Key is repeated whatever happened", async () => {
    const { client, seen } = fakeGateway([
      connectionFails("ECONNRESET"),
      problem(504, "deadline_exceeded"),
      says(allowed),
    ]);
    expect(await settle(client.limits.check(check, { idempotencyKey: "order-7" }))).toEqual({ value: allowed });
    expect(seen.map(({ headers }) => headers.get("idempotency-key"))).toEqual(["order-7", "order-7", "order-7"]);
  });

  test("a write with If-Match is not repeated when it may have run", async () => {
    const { client, seen } = fakeGateway([connectionFails("ECONNRESET")]);
    const { error } = await settle(client.limits.delete("api", { ifMatch: 4 }));
    expect(error).toMatchObject({ code: "unreachable" });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.headers.get("if-match")).toBe('"4"');
  });

  test("a DELETE whose unheard first attempt did it is done; one that finds nothing at once is not", async () => {
    const { client } = fakeGateway([
      connectionFails("ECONNRESET"),
      problem(404, "limit_not_found"),
      problem(404, "limit_not_found"),
      unavailable,
      problem(404, "limit_not_found"),
    ]);
    expect((await settle(client.limits.delete("api"))).error).toBeUndefined();
    expect((await settle(client.limits.delete("api"))).error).toMatchObject({ code: "limit_not_found" });
    expect((await settle(client.limits.delete("api"))).error).toMatchObject({ code: "limit_not_found" });
  });

  test("Retry-After is waited for, in seconds or as a date", async () => {
    const date = new Date(Date.now() + 3000).toUTCString();
    const { client, seen } = fakeGateway([
      problem(503, "overloaded", {}, { "retry-after": "2" }),
      problem(503, "overloaded", {}, { "retry-after": date }),
      says({ keys: [] }),
    ]);
    await settle(client.keys.list());
    const [first = 0, second = 0, third = 0] = seen.map(({ atMs }) => atMs);
    expect(second - first).toBe(2050);
    expect(third).toBeGreaterThanOrEqual(3000 - 1000);
  });

  test("the body's retryAfterMs is preferred to the header, which is rounded to seconds", async () => {
    const { client, seen } = fakeGateway([
      problem(429, "quota_exceeded", { retryAfterMs: 1200 }, { "retry-after": "2" }),
      says({ keys: [] }),
    ]);
    await settle(client.keys.list());
    expect(seen[1]?.atMs).toBe(1250);
  });

  test("a longer Retry-After than 10 s is the caller's", async () => {
    const { client, seen } = fakeGateway([problem(503, "overloaded", {}, { "retry-after": "60" })]);
    const { error } = await settle(client.keys.list({ timeoutMs: 120_000 }));
    expect(error).toMatchObject({ retryAfterMs: 60_000, retryable: true });
    expect(seen).toHaveLength(1);
  });

  test("an answer that the gateway retried already is not retried", async () => {
    const { client, seen } = fakeGateway([problem(503, "overloaded", {}, { "x-breakwater-retried": "2" })]);
    expect((await settle(client.keys.list())).error).toMatchObject({ code: "overloaded" });
    expect(seen).toHaveLength(1);
  });

  test("attempts are capped, and the last error is the one told", async () => {
    const { client, seen } = fakeGateway([unavailable, unavailable, problem(503, "limiter_unavailable")]);
    expect((await settle(client.keys.list())).error).toMatchObject({ code: "limiter_unavailable" });
    expect(seen).toHaveLength(3);
  });

  test("a platform that keeps failing is not asked three times a call for long", async () => {
    const { client, seen } = fakeGateway(Array.from({ length: 40 }, () => unavailable));
    for (let calls = 0; calls < 20; calls++) await settle(client.keys.list());
    expect(seen.length).toBeLessThan(26);
  });
});

describe("ends", () => {
  test("timeoutMs ends an attempt that hangs", async () => {
    const { client } = fakeGateway([hangs]);
    const { error } = await settle(client.limits.check(check, { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: "deadline_exceeded", status: 0, retryable: true });
  });

  test("timeoutMs is over all attempts", async () => {
    const { client, seen } = fakeGateway([unavailable, hangs]);
    const startMs = performance.now();
    const call = client.keys.list({ timeoutMs: 300 }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(300);
    expect(await call).toMatchObject({ code: "deadline_exceeded" });
    expect(performance.now() - startMs).toBe(300);
    expect(seen).toHaveLength(2);
  });

  test("the caller's signal ends a request with its own reason", async () => {
    const { client } = fakeGateway([hangs]);
    const abort = new AbortController();
    const call = client.limits.check(check, { signal: abort.signal });
    abort.abort("changed my mind");
    await expect(call).rejects.toBe("changed my mind");
  });

  test("the caller's signal ends a back-off at once", async () => {
    const { client, seen } = fakeGateway([problem(503, "overloaded", {}, { "retry-after": "5" })]);
    const abort = new AbortController();
    const call = client.keys.list({ signal: abort.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1000);
    abort.abort("stop");
    expect(await call).toBe("stop");
    expect(seen).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a signal that was aborted before sends nothing", async () => {
    const { client, seen } = fakeGateway([]);
    await expect(client.keys.list({ signal: AbortSignal.abort("no") })).rejects.toBe("no");
    expect(seen).toHaveLength(0);
  });

  test("a finished call leaves no timer and no listener behind", async () => {
    const { client } = fakeGateway([unavailable, says({ keys: [] })]);
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    await settle(client.keys.list({ signal }));
    expect(vi.getTimerCount()).toBe(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});

describe("errors", () => {
  test("say what the problem document says", async () => {
    const errors = [{ pointer: "/checks/0/cost", detail: "must be at least 1" }, { pointer: 7 }];
    const { client } = fakeGateway([problem(400, "invalid_body", { errors }, { "x-request-id": "req-2" })]);
    const { error } = await settle(client.limits.check(check));
    expect(error).toBeInstanceOf(BreakwaterError);
    expect(error).toMatchObject({
      code: "invalid_body",
      status: 400,
      detail: "do this",
      requestId: "req-2",
      retryable: false,
      retryAfterMs: undefined,
      errors: [errors[0]],
      message: "invalid_body: do this",
    });
  });

  test("the request id falls back to the problem's instance, which browsers can read", async () => {
    const { client } = fakeGateway([problem(404, "limit_not_found")]);
    expect((await settle(client.limits.get("nope"))).error).toMatchObject({ requestId: "req-1" });
  });

  test.each([
    ["HTML", () => new Response("<html>", { status: 200 })],
    ["JSON that is no problem", says({ message: "no" }, 404)],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://elsewhere.test" } })],
    ["null", says(null, 400)],
  ])("%s is an unexpected answer", async (_, reply) => {
    const { client } = fakeGateway([reply], { maxAttempts: 1 });
    expect((await settle(client.limits.get("api"))).error).toMatchObject({ code: "unexpected_answer" });
  });

  test("an answer of more than 64 MiB is not read, whether it says so or not", async () => {
    const mebibyte = new Uint8Array(1024 * 1024).fill(0x20);
    let pulled = 0;
    const endless = () => {
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          pulled++;
          controller.enqueue(mebibyte);
        },
      });
      return new Response(body);
    };
    const declared = () => new Response("{}", { headers: { "content-length": String(65 * 1024 * 1024) } });
    const { client } = fakeGateway([endless, declared], { maxAttempts: 1 });
    expect((await settle(client.configuration.export())).error).toMatchObject({ code: "unexpected_answer" });
    expect(pulled).toBeLessThan(70);
    expect((await settle(client.configuration.export())).error).toMatchObject({ code: "unexpected_answer" });
  });

  test("fetch itself is called without a receiver and without following redirects", async () => {
    const original = globalThis.fetch;
    const calls: unknown[] = [];
    globalThis.fetch = function (this: unknown, ...args: unknown[]) {
      calls.push(this, args[1]);
      return Promise.resolve(Response.json({ keys: [] }));
    };
    try {
      await new Breakwater({ baseUrl: "https://gateway.test" }).keys.list();
    } finally {
      globalThis.fetch = original;
    }
    expect(calls[0]).toBeUndefined();
    expect(calls[1]).toMatchObject({ redirect: "manual" });
  });
});
