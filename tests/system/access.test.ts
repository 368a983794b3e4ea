import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestPlatform, type TestPlatform } from "../harness.ts";
import { Caller } from "../http.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTestPlatform({ LOG_LEVEL: "debug" });
});
afterAll(() => platform?.stop());

const gcra = { algorithm: "gcra", limit: 100, windowMs: 60_000 };
const checkOf = (limit: string, key = "user:1") => ({ checks: [{ limit, key }] });

interface Created {
  readonly id: string;
  readonly key: string;
}

describe("API keys", () => {
  test("AU-3 a secret is in the answer of its creation, and nowhere else", async () => {
    const made = await platform.admin.post<Created>("/v1/keys", { name: "secret", scopes: ["limits:check"] });
    expect(made.status).toBe(201);
    expect(made.headers.get("cache-control")).toBe("no-store");
    const secret = made.body.key.slice(made.body.id.length + 4);
    await new Caller(platform.url, made.body.key).post("/v1/limits/check", checkOf("none"));
    const shown = await Promise.all(
      [`/v1/keys/${made.body.id}`, "/v1/keys", "/v1/audit", "/v1/export", "/metrics"].map((path) =>
        platform.admin.get(path),
      ),
    );
    for (const { status, body } of shown) {
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain(secret);
    }
    expect(platform.logged.join("\n")).not.toContain(secret);
  });

  test("AU-4 a revoked key is refused within a second", async () => {
    const caller = await platform.caller({ scopes: ["limits:check"] });
    expect((await caller.post("/v1/limits/check", checkOf("none"))).status).toBe(404);
    expect((await platform.admin.delete(`/v1/keys/${caller.keyId}`)).status).toBe(204);
    const { status, body } = await caller.post<{ code: string }>("/v1/limits/check", checkOf("none"));
    expect([status, body.code]).toEqual([401, "unauthenticated"]);
    expect((await platform.admin.get(`/v1/keys/${caller.keyId}`)).body).toHaveProperty("revokedAt");
  });

  test("a rotated key works with its new secret, and with the old one while its grace lasts", async () => {
    const old = await platform.caller({ scopes: ["limits:read"] });
    const rotate = (graceMs: number) => platform.admin.post<Created>(`/v1/keys/${old.keyId}/rotate`, { graceMs });
    const second = new Caller(platform.url, (await rotate(60_000)).body.key);
    expect((await second.get("/v1/limits")).status).toBe(200);
    expect((await old.get("/v1/limits")).status).toBe(200);
    const third = new Caller(platform.url, (await rotate(0)).body.key);
    expect((await third.get("/v1/limits")).status).toBe(200);
    expect((await second.get("/v1/limits")).status).toBe(401);
    expect((await old.get("/v1/limits")).status).toBe(401);
  });

  test("a key that has expired, or would have, is refused", async () => {
    const key = (expiresAt: string) => ({ name: "short", scopes: ["limits:read"], expiresAt });
    const past = await platform.admin.post<{ code: string }>("/v1/keys", key("2020-01-01T00:00:00Z"));
    expect([past.status, past.body.code]).toEqual([400, "invalid_body"]);
    const soon = new Date(Date.now() + 700).toISOString();
    const made = await platform.admin.post<Created>("/v1/keys", key(soon));
    const caller = new Caller(platform.url, made.body.key);
    await expect.poll(async () => (await caller.get("/v1/limits")).status, { timeout: 5_000 }).toBe(401);
  });

  test("AU-6 nobody hands on what they do not hold", async () => {
    const scopes = ["keys:write", "keys:read", "limits:check"];
    const caller = await platform.caller({ tenant: "granting", scopes });
    const make = (json: object) => caller.post<Created & { code: string }>("/v1/keys", { name: "x", ...json });
    expect((await make({ scopes: ["limits:check"] })).status).toBe(201);
    for (const json of [
      { scopes: ["limits:write"] },
      { scopes: ["admin"] },
      { scopes: ["limits:check"], tenant: "default" },
      { scopes: ["limits:check"], tenant: "unheard-of" },
    ]) {
      const { status, body } = await make(json);
      expect([json, status, body.code]).toEqual([json, 403, "forbidden"]);
    }
    // Rotating a key of the same tenant that can do more would hand over its secret.
    const stronger = await platform.caller({ tenant: "granting", scopes: ["admin"] });
    expect((await caller.post(`/v1/keys/${stronger.keyId}/rotate`, {})).status).toBe(403);
    expect((await stronger.get("/v1/keys")).status).toBe(200);
  });

  test("AU-6 nobody revokes a key that can do more, but everybody their own", async () => {
    const caller = await platform.caller({ tenant: "revoking", scopes: ["keys:write", "limits:check"] });
    const stronger = await platform.caller({ tenant: "revoking", scopes: ["keys:write", "limits:write"] });
    const equal = await platform.caller({ tenant: "revoking", scopes: ["limits:check"] });
    const { status, body } = await caller.delete<{ detail: string }>(`/v1/keys/${stronger.keyId}`);
    expect([status, body.detail]).toEqual([403, expect.stringContaining("limits:write")]);
    expect((await caller.delete(`/v1/keys/${equal.keyId}`)).status).toBe(204);
    for (const own of [caller, stronger]) expect((await own.delete(`/v1/keys/${own.keyId}`)).status).toBe(204);
    expect((await stronger.delete(`/v1/keys/${stronger.keyId}`)).status).toBe(401);
  });

  test.each([{ scopes: ["keys:write", "limits:check"] }, { scopes: ["admin"] }])(
    "AU-6 what a key of $scopes hands on expires no later than it does",
    async ({ scopes }) => {
      const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
      const endsAt = at(10);
      const key = { name: "ends", tenant: "ending", scopes, expiresAt: endsAt };
      const maker = new Caller(platform.url, (await platform.admin.post<Created>("/v1/keys", key)).body.key);
      const make = (expiresAt?: string) =>
        maker.post<Created & { code: string; detail: string }>("/v1/keys", {
          name: "x",
          scopes: ["limits:check"],
          expiresAt,
        });
      for (const later of [undefined, at(20)]) {
        const { status, body } = await make(later);
        expect([status, body.code, body.detail]).toEqual([403, "forbidden", expect.stringContaining(endsAt)]);
      }
      const made = await make(endsAt);
      expect(made.status).toBe(201);
      // A new secret is a key handed on too.
      const lasting = await platform.caller({ tenant: "ending", scopes: ["limits:check"] });
      expect((await maker.post(`/v1/keys/${lasting.keyId}/rotate`, {})).status).toBe(403);
      expect((await maker.post(`/v1/keys/${made.body.id}/rotate`, {})).status).toBe(200);
    },
  );

  test.each(["9999-12-31T23:59:59-23:59", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01"])(
    "GW-1 a time that has no form in UTC from 1970 to 9999 is refused: %s",
    async (expiresAt) => {
      const { status, body } = await platform.admin.post<{ errors: { pointer: string }[] }>("/v1/keys", {
        name: "odd",
        scopes: ["limits:check"],
        expiresAt,
      });
      expect([status, body.errors.map(({ pointer }) => pointer)]).toEqual([400, ["/expiresAt"]]);
    },
  );
});

describe("tenants", () => {
  test("AU-2 what belongs to another tenant does not exist", async () => {
    const scopes = [
      "limits:read",
      "limits:write",
      "limits:check",
      "keys:read",
      "keys:write",
      "audit:read",
      "config:read",
    ];
    const [mine, other] = await Promise.all([
      platform.caller({ tenant: "mine", scopes }),
      platform.caller({ tenant: "other", scopes }),
    ]);
    expect((await mine.put("/v1/limits/own", gcra)).status).toBe(201);
    expect((await mine.put("/v1/limits/own/overrides/vip", { limit: 1000 })).status).toBe(201);
    const reserved = await mine.post<{ reservation: string }>("/v1/limits/own/keys/a/reserve", { cost: 1 });
    await mine.put("/v1/limits/slots", { algorithm: "concurrency", limit: 1 });
    const acquired = await mine.post<{ permit: string }>("/v1/limits/slots/keys/a/acquire", {});
    const [reservation, permit] = [reserved.body.reservation, acquired.body.permit];

    const answers: [string, string, object?][] = [
      ["GET", "/v1/limits/own"],
      ["DELETE", "/v1/limits/own"],
      ["GET", "/v1/limits/own/keys/a"],
      ["DELETE", "/v1/limits/own/keys/a"],
      ["POST", "/v1/limits/own/keys/a/refund", { cost: 1 }],
      ["POST", "/v1/limits/own/keys/a/reserve", { cost: 1 }],
      ["PUT", "/v1/limits/own/keys/a/ban", { durationMs: 1000 }],
      ["GET", "/v1/limits/own/overrides/vip"],
      ["PUT", "/v1/limits/own/overrides/vip", { limit: 1 }],
      ["DELETE", "/v1/limits/own/overrides/vip"],
      ["POST", "/v1/limits/slots/keys/a/acquire", {}],
      ["POST", `/v1/reservations/${reservation}/settle`, { cost: 0 }],
      ["POST", `/v1/permits/${permit}/renew`, {}],
      ["POST", `/v1/permits/${permit}/release`, {}],
      ["POST", "/v1/limits/check", checkOf("own", "a")],
      ["GET", `/v1/keys/${mine.keyId}`],
      ["DELETE", `/v1/keys/${mine.keyId}`],
      ["POST", `/v1/keys/${mine.keyId}/rotate`, {}],
    ];
    for (const [method, path, json] of answers) {
      const { status } = await other.call(method, path, { json });
      expect([method, path, status]).toEqual([method, path, 404]);
    }
    expect((await other.get("/v1/limits")).body).toEqual({ limits: [] });
    expect((await other.get("/v1/export")).body).toEqual({ version: 1, limits: {}, overrides: [] });
    const audit = await other.get<{ entries: { tenant: string }[] }>("/v1/audit");
    expect(new Set(audit.body.entries.map(({ tenant }) => tenant))).toEqual(new Set(["other"]));
    const keys = await other.get<{ keys: { id: string }[] }>("/v1/keys");
    expect(keys.body.keys.map(({ id }) => id)).toEqual([other.keyId]);

    // The same names in another tenant are other things.
    expect((await other.put("/v1/limits/own", { ...gcra, limit: 1 })).status).toBe(201);
    expect((await mine.get("/v1/limits/own")).body).toMatchObject({ limit: 100 });
    expect((await mine.get("/v1/limits/own/keys/a")).body).toMatchObject({ remaining: 99 });
  });
});

describe("what could tell of other tenants", () => {
  test("AU-2 another tenant's key is refused in the words for one that never was", async () => {
    const scopes = ["keys:read", "keys:write"];
    const [mine, other] = await Promise.all([
      platform.caller({ tenant: "words-a", scopes }),
      platform.caller({ tenant: "words-b", scopes }),
    ]);
    const headers = { "x-request-id": "same" };
    for (const [method, action, json] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/rotate", {}],
    ] as const) {
      const answer = async (id: string) => {
        const {
          status,
          headers: answered,
          body,
        } = await other.call(method, `/v1/keys/${id}${action}`, { headers, json });
        const fields = [...answered].filter(([name]) => name !== "date");
        return { status, fields, body: JSON.stringify(body) };
      };
      const existing = await answer(mine.keyId);
      expect(existing.status).toBe(404);
      expect(existing).toEqual(await answer([...mine.keyId].reverse().join("")));
      expect(existing.body).not.toContain(mine.keyId);
    }
  });

  test("AU-2 metrics show a tenant its own series, and administrators all", async () => {
    const scopes = ["limits:write", "limits:check", "metrics:read"];
    const [mine, other] = await Promise.all([
      platform.caller({ tenant: "seen-a", scopes }),
      platform.caller({ tenant: "seen-b", scopes }),
    ]);
    for (const caller of [mine, other]) {
      await caller.put("/v1/limits/counted", gcra);
      expect((await caller.post("/v1/limits/check", checkOf("counted"))).status).toBe(200);
    }
    const series = async (caller: Caller) =>
      (await caller.get<string>("/metrics")).body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const seen = await series(mine);
    expect(seen.filter((line) => line.includes('limit="counted"'))).toHaveLength(1);
    for (const line of seen) expect(line).toContain('tenant="seen-a"');
    const all = (await series(platform.admin)).join("\n");
    for (const part of ['tenant="seen-a"', 'tenant="seen-b"', "http_server_request_duration_seconds_count"]) {
      expect(all).toContain(part);
    }
  });
});

describe("the limit on management", () => {
  const strict = { ...gcra, limit: 1, burst: 1 };

  test("GW-5 bounds a tenant's keys, who can always mend it", async () => {
    const caller = await platform.caller({
      tenant: "bounded",
      scopes: ["limits:read", "limits:write", "limits:check"],
    });
    expect((await caller.put("/v1/limits/gateway.api", strict)).status).toBe(201);
    expect((await caller.get("/v1/limits")).status).toBe(200);
    expect((await caller.get("/v1/limits")).status).toBe(429);
    const key = `key:${caller.keyId}`;
    expect((await caller.get(`/v1/limits/gateway.api/keys/${key}`)).body).toMatchObject({ remaining: 0 });
    expect((await caller.delete(`/v1/limits/gateway.api/keys/${key}`)).status).toBe(200);
    expect((await caller.get("/v1/limits")).status).toBe(200);
    expect((await caller.get("/v1/limits")).status).toBe(429);
    expect((await caller.put(`/v1/limits/gateway.api/overrides/${key}`, { unlimited: true })).status).toBe(201);
    expect((await caller.get("/v1/limits")).status).toBe(200);
    expect((await caller.delete("/v1/limits/gateway.api")).status).toBe(204);
  });

  test("GW-5 shuts no administrator out, whatever a tenant's keys try", async () => {
    const caller = await platform.caller({ scopes: ["limits:write", "limits:check"] });
    expect((await caller.put("/v1/limits/gateway.api", strict)).status).toBe(201);
    const ban = await caller.put<{ code: string; detail: string }>("/v1/limits/gateway.api/keys/admin/ban", {
      durationMs: 400 * 24 * 60 * 60 * 1000,
    });
    expect([ban.status, ban.body.code, ban.body.detail]).toEqual([
      403,
      "forbidden",
      expect.stringContaining("the gateway alone"),
    ]);
    const drain = { checks: [{ limit: "gateway.api", key: "admin", cost: 1000 }] };
    expect((await caller.post("/v1/limits/check", drain)).status).toBe(403);
    for (let call = 0; call < 3; call++) expect((await platform.admin.get("/v1/keys")).status).toBe(200);
    expect((await platform.admin.delete("/v1/limits/gateway.api")).status).toBe(204);
  });
});

describe("headers of the platform", () => {
  test("AU-8 are without effect when a client sends them", async () => {
    const headers = {
      "cf-connecting-ip": "203.0.113.7",
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-host": "evil.test",
      "x-breakwater-tenant": "other",
      "cf-ray": "forged",
    };
    const { status } = await platform.anonymous.get("/v1/limits", { headers });
    expect(status).toBe(401);
    await platform.admin.get("/v1/limits", { headers });
    expect(platform.logged.join("\n")).not.toMatch(/203\.0\.113\.7|evil\.test|forged/);
  });
});

describe("tickets and events", () => {
  const ticketFor = async (caller: Caller, path = "/v1/events") =>
    (await caller.post<{ ticket: string }>("/v1/tickets", { path })).body.ticket;
  const open = (ticket: string, headers: Record<string, string> = {}) =>
    fetch(`${platform.url}/v1/events?ticket=${ticket}`, { headers, signal: AbortSignal.timeout(15_000) });

  test("AU-7 a ticket opens its path once, with its maker's scopes", async () => {
    const maker = await platform.caller({ scopes: ["events:read"] });
    const ticket = await ticketFor(maker);
    const first = await open(ticket);
    expect(first.status).toBe(200);
    expect(first.headers.get("content-type")).toBe("text/event-stream");
    await first.body?.cancel();
    expect((await open(ticket)).status).toBe(401);

    expect((await open(await ticketFor(maker, "/v1/other"))).status).toBe(401);
    const weak = await platform.caller({ scopes: ["limits:check"] });
    expect((await open(await ticketFor(weak))).status).toBe(403);
    // It is no credential elsewhere.
    expect((await fetch(`${platform.url}/v1/limits?ticket=${await ticketFor(maker)}`)).status).toBe(401);
    expect((await open("t_nobody.0000")).status).toBe(401);
  });

  test("AU-7 another origin is refused, and its ticket is not spent", async () => {
    const maker = await platform.caller({ scopes: ["events:read"] });
    const ticket = await ticketFor(maker);
    expect((await open(ticket, { origin: "https://evil.test" })).status).toBe(403);
    const same = await open(ticket, { origin: new URL(platform.url).origin });
    expect(same.status).toBe(200);
    await same.body?.cancel();
  });

  test("changes are followed, and the stream ends when its maker is revoked", async () => {
    const maker = await platform.caller({ tenant: "followed", scopes: ["events:read", "limits:write"] });
    const response = await open(await ticketFor(maker));
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const readUntil = async (part: string) => {
      while (!text.includes(part)) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: "" };
        if (done) break;
        text += value;
      }
      expect(text).toContain(part);
    };
    await readUntil("event: ready");
    await maker.put("/v1/limits/seen", gcra);
    await readUntil('"kind":"limits","name":"seen","action":"put"');
    await platform.admin.delete(`/v1/keys/${maker.keyId}`);
    const ended = async (): Promise<boolean> => ((await reader?.read())?.done ?? true) || ended();
    expect(await ended()).toBe(true);
  });
});
