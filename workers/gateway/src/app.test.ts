import { beforeEach, describe, expect, test, vi } from "vitest";
import { Problem, quotaExceededType } from "../../../contracts/problem.ts";
import { ok } from "../../../contracts/result.ts";
import { endpoints } from "./routes/index.ts";
import { adminKey, allowed, FakeGateway } from "./testing/fake-gateway.ts";

const check = { checks: [{ limit: "api", key: "user:1", cost: 1 }] };

let gateway: FakeGateway;
beforeEach(() => {
  gateway = new FakeGateway();
});

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = Problem.parse(await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.instance).toBe(response.headers.get("x-request-id"));
  return problem;
}

describe("routing", () => {
  test("GW-1 an unknown path is 404", async () => {
    expect((await problemOf(await gateway.fetch("/nothing"))).code).toBe("not_found");
  });

  test("GW-1 a known path with another method is 405 with Allow", async () => {
    // No limit can be named so, though the path would be its.
    for (const method of ["GET", "DELETE", "PATCH"]) {
      const response = await gateway.fetch("/v1/limits/check", { method, key: adminKey });
      expect([method, response.status, response.headers.get("allow")]).toEqual([method, 405, "POST"]);
    }
    const other = await gateway.fetch("/healthz", { method: "POST" });
    expect(other.status).toBe(405);
    expect(other.headers.get("allow")).toBe("GET, HEAD");
    expect((await problemOf(other)).code).toBe("method_not_allowed");
  });

  test.each([
    ["/v1/limits/check", { algorithm: "concurrency", limit: 1 }, "must not be check or check-batch"],
    ["/v1/limits/check-batch", { algorithm: "concurrency", limit: 1 }, "must not be check or check-batch"],
    ["/v1/switches/limits.shadow", { on: true }, "limits.shadow-all, limits.fail-open or limits.fail-closed"],
  ])("GW-1 PUT %s is 400: the name means something else, or nothing", async (path, json, sentence) => {
    const { code, detail, errors } = await problemOf(await gateway.fetch(path, { method: "PUT", key: adminKey, json }));
    expect([code, errors?.map(({ pointer }) => pointer)]).toEqual(["invalid_parameter", ["name"]]);
    expect(detail).toContain(`name ${errors?.[0]?.detail}`);
    expect(detail).toContain(sentence);
  });

  test.each([
    ["/v1/export?x=1", {}, "x"],
    ["/v1/limits?limit=0", {}, "limit"],
    ["/v1/limits?limit=1&limit=2", {}, "limit"],
    ["/v1/limits?cursor=%ff", {}, ""],
    ["/v1/limits/A", {}, "name"],
    ["/v1/limits", { "x-request-timeout-ms": "soon" }, "X-Request-Timeout-Ms"],
  ])("GW-1 %s says in errors what its detail says", async (path, headers, pointer) => {
    const { code, detail, errors } = await problemOf(await gateway.fetch(path, { key: adminKey, headers }));
    expect([code, errors?.map((error) => error.pointer)]).toEqual(["invalid_parameter", [pointer]]);
    expect(detail).toContain(errors?.[0]?.detail);
    expect(detail).toContain(pointer);
  });

  test("GW-1 a method that no standard knows is 405 or 404, never 500", async () => {
    expect((await gateway.fetch("/v1/export", { method: "FROBNICATE" })).status).toBe(405);
  });

  test.each(["/v1/limits/%", "/v1/limits/%zz", "/v1/limits/api/keys/%ff", "/%c0%80"])(
    "GW-1 malformed percent-encoding in %s is 400",
    async (path) => {
      expect((await problemOf(await gateway.fetch(path, { key: adminKey }))).code).toBe("invalid_parameter");
    },
  );

  test("HEAD answers as GET without a body", async () => {
    const response = await gateway.fetch("/healthz", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  test("with PLATFORM_HOST the routes exist on that host alone", async () => {
    const elsewhere = new FakeGateway({ PLATFORM_HOST: "platform.test" });
    expect((await problemOf(await elsewhere.fetch("/healthz"))).code).toBe("not_found");
    const here = new FakeGateway({ PLATFORM_HOST: "gateway.test" });
    expect((await here.fetch("/healthz")).status).toBe(200);
  });
});

describe("access", () => {
  test("AU-1 every route but the public ones refuses a caller without credentials", async () => {
    const open = new Set(["/healthz", "/readyz", "/docs", "/openapi.json"]);
    for (const { spec } of endpoints) {
      const path = spec.path.replaceAll(/\{\w+\}/g, "x");
      const response = await gateway.fetch(path, { method: spec.method.toUpperCase() });
      expect([path, response.status]).toEqual([path, open.has(path) ? 200 : 401]);
      if (!open.has(path)) expect(response.headers.get("www-authenticate")).toBe('Bearer realm="breakwater"');
    }
  });

  test("AU-1 every scoped route refuses a key without its scope", async () => {
    const key = await gateway.addKey([]);
    for (const { spec } of endpoints) {
      if (spec.access === "public" || spec.access === "any") continue;
      const path = spec.path.replaceAll(/\{\w+\}/g, "x");
      const response = await gateway.fetch(path, { method: spec.method.toUpperCase(), key });
      const problem = await problemOf(response);
      expect([path, problem.code]).toEqual([path, "forbidden"]);
      expect(problem.detail).toContain(spec.access);
    }
  });

  test.each([
    "",
    "Bearer",
    "Bearer ",
    "Basic YTpi",
    "Bearer x",
    "Bearer a.b.c",
    "Bearer bw_1_2",
    `Bearer ${"x".repeat(9000)}`,
  ])("AU-1 Authorization %j is 401", async (authorization) => {
    const response = await gateway.fetch("/v1/audit", { headers: { authorization } });
    expect((await problemOf(response)).code).toBe("unauthenticated");
  });

  test("AU-4 a revoked and an expired key are refused", async () => {
    const revoked = await gateway.addKey(["limits:check"], { revokedAtMs: 1 });
    const expired = await gateway.addKey(["limits:check"], { expiresAtMs: 1 });
    for (const key of [revoked, expired]) {
      const response = await gateway.fetch("/v1/limits/check", { method: "POST", key, json: check });
      expect((await problemOf(response)).code).toBe("unauthenticated");
    }
  });

  test("AU-4 keys are refused with 503 once the control plane was last read over 60 s ago; ADMIN_KEY is not", async () => {
    const key = await gateway.addKey(["limits:check"]);
    const call = (with_: string) => gateway.fetch("/v1/limits/check", { method: "POST", key: with_, json: check });
    expect((await call(key)).status).toBe(200);
    gateway.confirmedAgeMs = 60_000;
    expect((await call(key)).status).toBe(200);
    gateway.confirmedAgeMs = 60_001;
    const response = await call(key);
    expect((await problemOf(response)).code).toBe("control_plane_unavailable");
    expect(response.headers.get("retry-after")).toBe("1");
    expect((await call(adminKey)).status).toBe(200);
  });

  test("without any configuration requests are refused with 503, and health is told", async () => {
    gateway.configured = false;
    const response = await gateway.fetch("/v1/audit", { key: adminKey });
    expect((await problemOf(response)).code).toBe("control_plane_unavailable");
    expect((await gateway.fetch("/healthz")).status).toBe(200);
    expect((await gateway.fetch("/readyz")).status).toBe(503);
  });

  test("an ADMIN_KEY that is too short is nobody's", async () => {
    const weak = new FakeGateway({ ADMIN_KEY: "short" });
    expect((await weak.fetch("/v1/audit", { key: "short" })).status).toBe(401);
  });
});

describe("a check", () => {
  const post = (init: Parameters<FakeGateway["fetch"]>[1]) =>
    gateway.fetch("/v1/limits/check", { method: "POST", key: adminKey, ...init });

  test("is answered with the decision and the rate limit fields", async () => {
    gateway.limits.set("api", {
      version: 1,
      policy: { algorithm: "gcra", limit: 100, windowMs: 60_000, mode: "exact", failMode: "open", shadow: false },
    });
    const response = await post({ json: check });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(allowed(check.checks));
    expect(response.headers.get("ratelimit-policy")).toBe('"api";q=100;w=60');
    expect(response.headers.get("ratelimit")).toBe('"api";r=99;t=1');
  });

  test("that is refused is 429 of the IETF type with the decision's members", async () => {
    const refused = { ...allowed(check.checks).results[0], allowed: false, retryAfterMs: 1001 };
    gateway.decide = async () => ok({ allowed: false, results: [refused] } as ReturnType<typeof allowed>);
    const response = await post({ json: check });
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("2");
    const problem = await problemOf(response);
    expect(problem).toMatchObject({
      type: quotaExceededType,
      code: "quota_exceeded",
      allowed: false,
      results: [refused],
      "violated-policies": ["api"],
    });
  });

  test.each([
    ["no body", {}, 415, "unsupported_media_type"],
    ["text", { body: "x", headers: { "content-type": "text/plain" } }, 415, "unsupported_media_type"],
    [
      "Latin-1",
      { body: "{}", headers: { "content-type": "application/json; charset=latin1" } },
      415,
      "unsupported_media_type",
    ],
    ["an empty body", { body: "", headers: { "content-type": "application/json" } }, 400, "invalid_json"],
    ["half a body", { body: '{"checks":', headers: { "content-type": "application/json" } }, 400, "invalid_json"],
    ["deep nesting", { body: "[".repeat(100), headers: { "content-type": "application/json" } }, 400, "invalid_json"],
    ["a number", { json: 1 }, 400, "invalid_body"],
    ["null", { json: null }, 400, "invalid_body"],
    ["no checks", { json: { checks: [] } }, 400, "invalid_body"],
    ["too many checks", { json: { checks: Array(21).fill(check.checks[0]) } }, 400, "invalid_body"],
    ["an unknown member", { json: { ...check, extra: 1 } }, 400, "invalid_body"],
    ["a cost of 0", { json: { checks: [{ limit: "api", key: "a", cost: 0 }] } }, 400, "invalid_body"],
    ["a cost of 1e308", { json: { checks: [{ limit: "api", key: "a", cost: 1e308 }] } }, 400, "invalid_body"],
    ["an empty key", { json: { checks: [{ limit: "api", key: "" }] } }, 400, "invalid_body"],
    ["NUL in a key", { json: { checks: [{ limit: "api", key: "a\0b" }] } }, 400, "invalid_body"],
    ["a lone surrogate", { json: { checks: [{ limit: "api", key: "\ud800" }] } }, 400, "invalid_body"],
    ["a key of 513 bytes", { json: { checks: [{ limit: "api", key: "x".repeat(513) }] } }, 400, "invalid_body"],
  ] as const)("GW-1 with %s is refused", async (_name, init, status, code) => {
    const response = await post(init);
    expect(response.status).toBe(status);
    expect((await problemOf(response)).code).toBe(code);
    expect(gateway.checked).toEqual([]);
  });

  test("GW-6 a body in a Content-Encoding is 415, in none it is read", async () => {
    for (const encoding of ["gzip", "br", "identity, gzip", "aws-chunked"]) {
      const response = await post({ json: check, headers: { "content-encoding": encoding } });
      expect([encoding, (await problemOf(response)).code]).toEqual([encoding, "unsupported_media_type"]);
    }
    expect(gateway.checked).toEqual([]);
    expect((await post({ json: check, headers: { "content-encoding": "identity" } })).status).toBe(200);
  });

  test("GW-1 tells where a body is wrong by JSON pointers", async () => {
    const response = await post({ json: { checks: [{ limit: "A", key: "a" }], extra: true } });
    const { errors, detail } = await problemOf(response);
    expect(detail).toMatch(/^The body does not fit: \/checks\/0\/limit must .*, and 1 more, see errors\.$/);
    expect(errors?.map(({ pointer }) => pointer)).toEqual(["/checks/0/limit", "/extra"]);
  });

  test("GW-1 bytes that are not UTF-8 are refused, not replaced", async () => {
    const body = new Uint8Array([
      ...new TextEncoder().encode('{"checks":[{"limit":"api","key":"'),
      0xff,
      0x22,
      0x7d,
      0x5d,
      0x7d,
    ]);
    const response = await post({ body, headers: { "content-type": "application/json" } });
    expect((await problemOf(response)).code).toBe("invalid_json");
  });

  test("GW-3 a body over the bound is 413, told by its length or not", async () => {
    const body = " ".repeat(100_000);
    const told = await post({ body, headers: { "content-type": "application/json", "content-length": "100000" } });
    expect((await problemOf(told)).code).toBe("body_too_large");
    const stream = new Blob([body]).stream();
    const init = { body: stream, duplex: "half", headers: { "content-type": "application/json" } };
    expect((await problemOf(await post(init as RequestInit))).code).toBe("body_too_large");
  });

  test("GW-1 an exception is 500 without its message, and told once in the log", async () => {
    gateway.decide = () => Promise.reject(new Error("secret detail"));
    const response = await post({ json: check, headers: { "x-request-id": "r-1" } });
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ status: 500, code: "internal", instance: "r-1" });
    expect(JSON.stringify(problem)).not.toContain("secret detail");
    const told = gateway.lines.filter((line) => line.message === "unexpected exception");
    expect(told).toMatchObject([{ request_id: "r-1", detail: "secret detail" }]);
  });
});

describe("request ids, traces, deadlines", () => {
  test("GW-2 a well-formed X-Request-Id is kept, another replaced", async () => {
    const kept = await gateway.fetch("/healthz", { headers: { "x-request-id": "abc-123_x.y" } });
    expect(kept.headers.get("x-request-id")).toBe("abc-123_x.y");
    for (const bad of ["a b", "ä", "x".repeat(129), "a,b"]) {
      const response = await gateway.fetch("/healthz", {
        headers: { "x-request-id": encodeURI(bad) === bad ? bad : "a b" },
      });
      expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test("GW-2 a valid traceparent is continued with a span of our own", async () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const response = await gateway.fetch("/healthz", { headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` } });
    expect(response.headers.get("traceparent")).toMatch(
      new RegExp(`^00-${trace}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`),
    );
    const invalid = await gateway.fetch("/healthz", {
      headers: { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` },
    });
    expect(invalid.headers.get("traceparent")).toBeNull();
  });

  test("a deadline that passes is 504", async () => {
    vi.useFakeTimers();
    try {
      gateway.decide = () => new Promise(() => {});
      const pending = gateway.fetch("/v1/limits/check", {
        method: "POST",
        key: adminKey,
        json: check,
        headers: { "x-request-timeout-ms": "50" },
      });
      await vi.advanceTimersByTimeAsync(100);
      expect((await problemOf(await pending)).code).toBe("deadline_exceeded");
    } finally {
      vi.useRealTimers();
    }
  });

  test.each(["-1", "1.5", "soon", "9999999999"])("GW-1 X-Request-Timeout-Ms %j is 400", async (timeout) => {
    const response = await gateway.fetch("/healthz", { headers: { "x-request-timeout-ms": timeout } });
    expect((await problemOf(response)).code).toBe("invalid_parameter");
  });
});

describe("admission of the gateway's own routes", () => {
  beforeEach(() => {
    gateway.limits.set("gateway.api", {
      version: 1,
      policy: { algorithm: "gcra", limit: 1, windowMs: 60_000, mode: "exact", failMode: "open", shadow: false },
    });
    const refused = { ...allowed(check.checks).results[0], limit: "gateway.api", allowed: false, retryAfterMs: 5 };
    gateway.decide = async () => ok({ allowed: false, results: [refused] } as ReturnType<typeof allowed>);
  });

  test("a tenant's limit gateway.api is asked with the credential as key", async () => {
    const key = await gateway.addKey(["audit:read"]);
    const response = await gateway.fetch("/v1/audit", { key });
    expect((await problemOf(response)).code).toBe("quota_exceeded");
    expect(gateway.checked).toEqual([[{ limit: "gateway.api", key: `key:${key.split("_")[1]}`, cost: 1 }]]);
  });

  test("GW-5 it is not asked for administrators, nor for the routes that mend it", async () => {
    // No database stands behind this gateway: what is admitted ends as 500, what is not as 429.
    const status = async (method: string, path: string, key: string, json?: unknown) =>
      (await gateway.fetch(path, { method, key, ...(json === undefined ? undefined : { json }) })).status;
    expect(await status("GET", "/v1/audit", adminKey)).toBe(500);
    expect(await status("GET", "/v1/audit", await gateway.addKey(["admin"]))).toBe(500);
    const tenant = await gateway.addKey(["limits:read", "limits:write"]);
    for (const [method, path, json] of [
      ["GET", ""],
      ["PUT", "", { algorithm: "gcra", limit: 1, windowMs: 1000 }],
      ["DELETE", ""],
      ["GET", "/keys/key:a"],
      ["DELETE", "/keys/key:a"],
      ["DELETE", "/keys/key:a/ban"],
      ["PUT", "/overrides/key:a", { unlimited: true }],
    ] as const) {
      const onOther = await status(method, `/v1/limits/api${path}`, tenant, json);
      const onOwn = await status(method, `/v1/limits/gateway.api${path}`, tenant, json);
      expect([method, path, onOther, onOwn]).toEqual([method, path, 429, 500]);
    }
    expect(await status("GET", "/v1/limits", tenant)).toBe(429);
  });

  test("GW-5 nobody spends, reserves, acquires or bans on a limit of the gateway's own", async () => {
    const keys = [adminKey, await gateway.addKey(["limits:check", "limits:write"])];
    const item = { limit: "gateway.api", key: "admin", cost: 1000 };
    for (const key of keys) {
      for (const [method, path, json] of [
        ["POST", "/v1/limits/check", { checks: [check.checks[0], item] }],
        ["POST", "/v1/limits/check-batch", { items: [check.checks[0], item] }],
        ["POST", "/v1/limits/gateway.api/keys/admin/reserve", { cost: 1 }],
        ["POST", "/v1/limits/gateway.api/keys/reserve?key=admin", { cost: 1 }],
        ["POST", "/v1/limits/gateway%2Eother/keys/admin/acquire", {}],
        ["PUT", "/v1/limits/gateway.api/keys/admin/ban", { durationMs: 1000 }],
        ["PUT", "/v1/limits/gateway.api/keys/ban?key=admin", { durationMs: 1000 }],
      ] as const) {
        const problem = await problemOf(await gateway.fetch(path, { method, key, json }));
        expect([path, problem.code, problem.detail]).toEqual([path, "forbidden", expect.stringContaining("gateway.")]);
      }
    }
    expect(gateway.checked).toEqual([]);
  });
});

describe("conditions", () => {
  test.each([
    ["POST", "/v1/import", "if-match", '"1"'],
    ["POST", "/v1/import", "if-none-match", "*"],
    ["POST", "/v1/keys", "if-match", "*"],
    ["PUT", "/v1/switches/x", "if-match", '"1"'],
    ["DELETE", "/v1/keys/x", "if-match", '"1"'],
    ["DELETE", "/v1/limits/api", "if-none-match", "*"],
    ["PUT", "/v1/limits/api", "if-none-match", '"1"'],
    ["PUT", "/v1/limits/api/overrides/a", "if-none-match", "W/*"],
  ])("GW-6 %s %s refuses a header %s of %s, which it would not obey", async (method, path, header, value) => {
    const json = path.startsWith("/v1/limits/") ? policyOf(path) : {};
    const body = method === "DELETE" ? undefined : { json: path === "/v1/import" ? { version: 1 } : json };
    const response = await gateway.fetch(path, { method, key: adminKey, headers: { [header]: value }, ...body });
    const problem = await problemOf(response);
    expect([problem.status, problem.code]).toEqual([400, "invalid_parameter"]);
    expect(problem.detail.toLowerCase()).toContain(header);
  });
});

function policyOf(path: string): object {
  return path.includes("/overrides/") ? { unlimited: true } : { algorithm: "gcra", limit: 1, windowMs: 1000 };
}

describe("browsers", () => {
  test("CORS allows no origin by default", async () => {
    const response = await gateway.fetch("/healthz", { headers: { origin: "https://app.test" } });
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("CORS allows those in ALLOWED_ORIGINS, preflights included", async () => {
    const open = new FakeGateway({ ALLOWED_ORIGINS: "https://app.test, https://other.test" });
    const headers = { origin: "https://app.test", "access-control-request-method": "POST" };
    const preflight = await open.fetch("/v1/limits/check", { method: "OPTIONS", headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("https://app.test");
    const refused = await open.fetch("/healthz", { headers: { origin: "https://evil.test" } });
    expect(refused.headers.get("access-control-allow-origin")).toBeNull();
    expect(refused.headers.get("vary")).toBe("Origin");
  });

  test("AU-7 events refuse an origin that is not allowed", async () => {
    const response = await gateway.fetch("/v1/events?ticket=x.y", { headers: { origin: "https://evil.test" } });
    expect((await problemOf(response)).code).toBe("origin_not_allowed");
  });
});

describe("logs and metrics", () => {
  test("AU-3 no credential appears in a log line", async () => {
    const key = await gateway.addKey(["limits:check"]);
    await gateway.fetch("/v1/limits/check", { method: "POST", key, json: check });
    await gateway.fetch("/v1/audit", { key });
    await gateway.fetch("/v1/audit", { key: `${key}x` });
    const text = JSON.stringify(gateway.lines);
    expect(gateway.lines.length).toBe(3);
    expect(text).not.toContain(key.slice(24));
    expect(text).not.toContain(adminKey);
  });

  test("AU-8 CF-Connecting-IP is believed only where Cloudflare's edge sets it", async () => {
    const headers = { "cf-connecting-ip": "203.0.113.7", "x-forwarded-for": "198.51.100.1" };
    await gateway.fetch("/v1/audit", { headers });
    expect(JSON.stringify(gateway.lines)).not.toMatch(/203\.0\.113\.7|198\.51\.100\.1/);
    const behindEdge = new FakeGateway({ TRUST_CF_CONNECTING_IP: "true" });
    await behindEdge.fetch("/v1/audit", { headers });
    expect(behindEdge.lines).toMatchObject([{ message: "request", status: 401, client_address: "203.0.113.7" }]);
  });

  test("requests are counted by the route's template", async () => {
    await gateway.fetch("/v1/keys/abc", { key: await gateway.addKey([]) });
    await gateway.fetch("/x/y");
    const [family] = gateway.services.isolate.metrics.sums();
    expect(family?.series.map(({ labels }) => labels)).toEqual([
      ["GET", "/v1/keys/{id}", "403"],
      ["GET", "unmatched", "404"],
    ]);
  });
});
