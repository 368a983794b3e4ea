import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestPlatform, type TestPlatform } from "../harness.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTestPlatform();
});
afterAll(() => platform?.stop());

const gcra = { algorithm: "gcra", limit: 100, windowMs: 60_000 };

interface Plan {
  readonly dryRun: boolean;
  readonly changes: readonly { readonly kind: string; readonly name: string; readonly action: string }[];
}
interface Audit {
  readonly entries: readonly {
    readonly seq: number;
    readonly action: string;
    readonly name: string;
    readonly requestId: string;
  }[];
  readonly cursor?: string;
}

describe("limits as resources", () => {
  test("are created, replaced, read, listed and deleted", async () => {
    const created = await platform.admin.put("/v1/limits/life", gcra);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ name: "life", ...gcra, mode: "exact", failMode: "open", shadow: false });
    const replaced = await platform.admin.put<{ version: number }>("/v1/limits/life", { ...gcra, mode: "leased" });
    expect(replaced.status).toBe(200);
    expect(replaced.body).toMatchObject({ mode: "leased", servedAs: "exact" });
    expect(replaced.headers.get("etag")).toBe(`"${replaced.body.version}"`);
    const read = await platform.admin.get("/v1/limits/life");
    expect(read.body).toMatchObject({ name: "life", mode: "leased", servedAs: "exact" });
    expect(read.headers.get("etag")).toBe(replaced.headers.get("etag"));
    expect((await platform.admin.delete("/v1/limits/life")).status).toBe(204);
    expect((await platform.admin.get("/v1/limits/life")).status).toBe(404);
    expect((await platform.admin.delete("/v1/limits/life")).status).toBe(404);
  });

  test("CP-1 each change has one audit row that names the request", async () => {
    const headers = { "x-request-id": "audited-1" };
    await platform.admin.put("/v1/limits/audited", gcra, { headers });
    // The same again changes nothing, and so is no change.
    await platform.admin.put("/v1/limits/audited", gcra, { headers: { "x-request-id": "audited-2" } });
    const { body } = await platform.admin.get<Audit>("/v1/audit?limit=50");
    const mine = body.entries.filter(({ name }) => name === "audited");
    expect(mine.map(({ action, requestId }) => [action, requestId])).toEqual([["create", "audited-1"]]);
  });

  test("CP-2 a write is in force with the next request, and CP-4 versions grow over deletion", async () => {
    const versions: number[] = [];
    for (const limit of [1, 2, 3]) {
      const put = await platform.admin.put<{ version: number }>("/v1/limits/fresh", { ...gcra, limit });
      versions.push(put.body.version);
      const peek = await platform.admin.get("/v1/limits/fresh/keys/a");
      expect(peek.body).toMatchObject({ limitValue: limit });
      await platform.admin.delete("/v1/limits/fresh");
      expect((await platform.admin.get("/v1/limits/fresh/keys/a")).status).toBe(404);
    }
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(3);
  });

  test("CP-5 If-Match with another ETag changes nothing", async () => {
    const first = (await platform.admin.put("/v1/limits/matched", gcra)).headers.get("etag") ?? "";
    const put = (limit: number, ifMatch: string) =>
      platform.admin.put<{ code?: string }>(
        "/v1/limits/matched",
        { ...gcra, limit },
        { headers: { "if-match": ifMatch } },
      );
    expect((await put(1, first)).status).toBe(200);
    for (const stale of [first, '"0"', `W/${first}`, '"abc"']) {
      const { status, body } = await put(2, stale);
      expect([stale, status, body.code]).toEqual([stale, 412, "version_mismatch"]);
    }
    expect((await platform.admin.delete("/v1/limits/matched", { headers: { "if-match": first } })).status).toBe(412);
    expect((await platform.admin.get("/v1/limits/matched")).body).toMatchObject({ limit: 1 });
    expect((await put(3, "*")).status).toBe(200);
    const missing = await platform.admin.put("/v1/limits/absent", gcra, { headers: { "if-match": "*" } });
    expect(missing.status).toBe(412);
    expect((await put(3, "nonsense")).status).toBe(400);
  });

  test.each(["/v1/limits/only-new", "/v1/limits/holder/overrides/a"])(
    "CP-5 If-None-Match: * creates %s and replaces nothing",
    async (path) => {
      const body = path.endsWith("/a") ? { unlimited: true } : gcra;
      await platform.admin.put("/v1/limits/holder", gcra);
      const put = () => platform.admin.put<{ code?: string }>(path, body, { headers: { "if-none-match": "*" } });
      expect((await put()).status).toBe(201);
      const again = await put();
      expect([again.status, again.body.code]).toEqual([412, "version_mismatch"]);
      expect((await platform.admin.delete(path)).status).toBe(204);
      expect((await put()).status).toBe(201);
    },
  );

  test("CP-6 dryRun tells and changes nothing", async () => {
    const plan = async (method: string, path: string, json?: object) =>
      (await platform.admin.call<Plan>(method, `${path}?dryRun=true`, { json })).body;
    const created = await plan("PUT", "/v1/limits/planned", gcra);
    expect(created).toMatchObject({ dryRun: true, changes: [{ kind: "limits", name: "planned", action: "create" }] });
    expect((await platform.admin.get("/v1/limits/planned")).status).toBe(404);
    await platform.admin.put("/v1/limits/planned", gcra);
    expect((await plan("PUT", "/v1/limits/planned", gcra)).changes[0]?.action).toBe("unchanged");
    expect((await plan("PUT", "/v1/limits/planned", { ...gcra, limit: 1 })).changes[0]?.action).toBe("update");
    expect((await plan("DELETE", "/v1/limits/planned")).changes[0]?.action).toBe("delete");
    expect((await platform.admin.get("/v1/limits/planned")).body).toMatchObject({ limit: 100 });
    expect((await platform.admin.put("/v1/limits/planned?dryRun=true", { algorithm: "x" })).status).toBe(400);
    expect((await platform.admin.put("/v1/limits/planned?dryRun=yes", gcra)).status).toBe(400);
  });

  test("lists come in pages", async () => {
    const caller = await platform.caller({ tenant: "paged", scopes: ["limits:read", "limits:write"] });
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names) await caller.put(`/v1/limits/${name}`, gcra);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await caller.get<{ limits: { name: string }[]; cursor?: string }>(`/v1/limits?limit=2${query}`);
      seen.push(...page.body.limits.map(({ name }) => name));
      cursor = page.body.cursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(names);
    expect((await caller.get("/v1/limits?limit=0")).status).toBe(400);
    expect((await caller.get("/v1/limits?limit=1001")).status).toBe(400);
  });
});

describe("overrides", () => {
  test("CP-8 an override that was answered is in force in its object, and its removal too", async () => {
    await platform.admin.put("/v1/limits/base", gcra);
    const figures = async (key: string) =>
      (await platform.admin.get(`/v1/limits/base/keys?key=${encodeURIComponent(key)}`)).body;
    const put = await platform.admin.put("/v1/limits/base/overrides/vip", { limit: 500 });
    expect(put.status).toBe(201);
    expect(await figures("vip")).toMatchObject({ limitValue: 500, remaining: 500 });
    expect(await figures("other")).toMatchObject({ limitValue: 100 });
    await platform.admin.put("/v1/limits/base/overrides/vip", { unlimited: true });
    expect(await figures("vip")).toMatchObject({ limitValue: null, remaining: null });
    expect((await platform.admin.delete("/v1/limits/base/overrides/vip")).status).toBe(204);
    expect(await figures("vip")).toMatchObject({ limitValue: 100 });
    expect((await platform.admin.get("/v1/limits/base/overrides/vip")).status).toBe(404);
  });

  test.each([
    ["gcra", { ...gcra, windowMs: 400 * 86_400_000 }, 260_624],
    ["sliding-log", { algorithm: "sliding-log", limit: 5, windowMs: 60_000 }, 1_000],
    ["concurrency", { algorithm: "concurrency", limit: 5 }, 10_000],
    ["quota", { algorithm: "quota", limit: 5, calendar: { unit: "day" } }, 1_000_000_000],
  ])(
    "an override of %s is refused over what its limit serves, and what is answered is served",
    async (name, body, most) => {
      await platform.admin.put(`/v1/limits/most-${name}`, body);
      const path = `/v1/limits/most-${name}/overrides/vip`;
      expect((await platform.admin.put(path, { limit: most })).body).toMatchObject({ override: { limit: most } });
      const figures = await platform.admin.get(`/v1/limits/most-${name}/keys/vip`);
      expect(figures.body).toMatchObject({ limitValue: most, remaining: most });
      const over = await platform.admin.put(path, { limit: 1, burst: most + 1 });
      expect(over).toMatchObject({ status: 400, body: { code: "invalid_body", errors: [{ pointer: "/burst" }] } });
      if (most < 1e9) expect(JSON.stringify(over.body)).toContain(String(most));
      expect((await platform.admin.get(path)).body).toMatchObject({ override: { limit: most } });
      expect((await platform.admin.put(path, { unlimited: true })).status).toBe(200);
    },
  );

  test.each([".", "..", "a/b", "ban", "%", "ключ", "__proto__", "x".repeat(512)])(
    "RL-21 the key %j is addressed in the query, and in the path where it can stand there",
    async (key) => {
      await platform.admin.put("/v1/limits/keyed", gcra);
      const query = `?key=${encodeURIComponent(key)}`;
      expect((await platform.admin.put(`/v1/limits/keyed/overrides${query}`, { limit: 7 })).status).toBe(201);
      const paths = [`/v1/limits/keyed/overrides${query}`];
      if (key !== "." && key !== "..") paths.push(`/v1/limits/keyed/overrides/${encodeURIComponent(key)}`);
      for (const path of paths)
        expect((await platform.admin.get(path)).body).toMatchObject({ key, override: { limit: 7 } });
      const peek = await platform.admin.get(`/v1/limits/keyed/keys${query}`);
      expect(peek.body).toMatchObject({ key, limitValue: 7 });
      await platform.admin.put(`/v1/limits/keyed/keys/ban${query}`, { durationMs: 60_000 });
      expect((await platform.admin.get(`/v1/limits/keyed/keys${query}`)).body).toHaveProperty("bannedMs");
      await platform.admin.delete(`/v1/limits/keyed/keys/ban${query}`);
      expect((await platform.admin.get(`/v1/limits/keyed/keys${query}`)).body).not.toHaveProperty("bannedMs");
      expect((await platform.admin.delete(`/v1/limits/keyed/overrides${query}`)).status).toBe(204);
    },
  );
});

describe("a reservation that is refused", () => {
  test("RL-7 says how long to wait, or that no wait helps", async () => {
    await platform.admin.put("/v1/limits/spent", { algorithm: "fixed-window", limit: 10, windowMs: 86_400_000 });
    const reserve = (cost: number) =>
      platform.admin.post<{ detail: string; retryAfterMs?: number }>("/v1/limits/spent/keys/a/reserve", { cost });
    expect((await reserve(6)).status).toBe(200);
    const wait = await reserve(5);
    expect(wait.status).toBe(429);
    expect(wait.body.detail).toBe(`Wait ${wait.body.retryAfterMs} ms for spent, then try again.`);
    expect(Number(wait.headers.get("retry-after"))).toBe(Math.ceil((wait.body.retryAfterMs ?? 0) / 1000));
    const never = await reserve(11);
    expect([never.status, never.body.detail]).toEqual([429, "This cost never fits spent; ask for less."]);
    expect(never.headers.get("retry-after")).toBeNull();
  });
});

describe("export and import", () => {
  test("CP-7 importing an export changes nothing; an import is all or nothing", async () => {
    const scopes = ["limits:read", "limits:write", "config:read", "config:write"];
    const caller = await platform.caller({ tenant: "documented", scopes });
    await caller.put("/v1/limits/a", gcra);
    await caller.put("/v1/limits/b", {
      algorithm: "quota",
      limit: 5,
      calendar: { unit: "day", timeZone: "Europe/Paris" },
    });
    await caller.put("/v1/limits/a/overrides/vip", { limit: 9 });
    const document = (await caller.get<{ limits: object; overrides: object[] }>("/v1/export")).body;
    expect((await caller.post<Plan>("/v1/import", document)).body).toEqual({ dryRun: false, changes: [] });
    expect((await caller.get("/v1/export")).body).toEqual(document);

    const broken = { ...document, limits: { ...document.limits, c: { algorithm: "nonsense" } } };
    expect((await caller.post("/v1/import", broken)).status).toBe(400);
    expect((await caller.get("/v1/export")).body).toEqual(document);

    const other = { version: 1, limits: { c: gcra }, overrides: [{ limit: "c", key: "vip", override: { limit: 3 } }] };
    const planned = (await caller.post<Plan>("/v1/import?dryRun=true", other)).body;
    expect(planned.dryRun).toBe(true);
    expect((await caller.get("/v1/export")).body).toEqual(document);
    const done = (await caller.post<Plan>("/v1/import", other)).body;
    expect(done).toEqual({ ...planned, dryRun: false });
    expect((await caller.get("/v1/limits/a")).status).toBe(404);
    expect((await caller.get("/v1/limits/c/keys/vip")).body).toMatchObject({ limitValue: 3 });
  });

  test("CP-7 a section that the document lacks is left alone, an empty one deletes all", async () => {
    const caller = await platform.caller({ tenant: "kept", scopes: ["limits:write", "config:read", "config:write"] });
    await caller.put("/v1/limits/a", gcra);
    await caller.put("/v1/limits/a/overrides/vip", { limit: 9 });
    const before = (await caller.get<object>("/v1/export")).body;
    expect((await caller.post<Plan>("/v1/import", { version: 1 })).body).toEqual({ dryRun: false, changes: [] });
    expect((await caller.get("/v1/export")).body).toEqual(before);
    await caller.post("/v1/import", { version: 1, overrides: [] });
    expect((await caller.get("/v1/export")).body).toEqual({ ...before, overrides: [] });
    await caller.post("/v1/import", { version: 1, limits: {} });
    expect((await caller.get("/v1/export")).body).toEqual({ version: 1, limits: {}, overrides: [] });
  });

  test("only administrators see and import issuers", async () => {
    const caller = await platform.caller({ tenant: "documented", scopes: ["config:read", "config:write"] });
    expect((await caller.get("/v1/export")).body).not.toHaveProperty("issuers");
    expect((await caller.post("/v1/import", { version: 1, issuers: {} })).status).toBe(403);
    expect((await platform.admin.get("/v1/export")).body).toHaveProperty("issuers");
  });
});

describe("switches", () => {
  test("CP-9 a switch is on until its time, and deleted ones are gone", async () => {
    const path = "/v1/switches/limits.shadow-all";
    expect((await platform.admin.put(path, { on: true, until: "2020-01-01T00:00:00Z" })).status).toBe(201);
    await platform.admin.put("/v1/limits/shadowed", { ...gcra, limit: 1 });
    const check = () => platform.admin.post("/v1/limits/check", { checks: [{ limit: "shadowed", key: "a" }] });
    expect((await check()).status).toBe(200);
    expect((await check()).status).toBe(429);
    expect((await platform.admin.put(path, { on: true })).status).toBe(200);
    const shadowed = await check();
    expect(shadowed.status).toBe(200);
    expect(shadowed.body).toMatchObject({ results: [{ shadow: { wouldDeny: true } }] });
    expect((await platform.admin.get("/v1/switches")).body).toMatchObject({ switches: [{ on: true }] });
    expect((await platform.admin.delete(path)).status).toBe(204);
    expect((await check()).status).toBe(429);
    expect((await platform.admin.get(path)).status).toBe(404);
  });

  test("a name under limits. that no limit reads is refused, others are free", async () => {
    const { status, body } = await platform.admin.put<{ code: string }>("/v1/switches/limits.shadow", { on: true });
    expect([status, body.code]).toEqual([400, "invalid_parameter"]);
    expect((await platform.admin.put("/v1/switches/checkout.new", { on: true })).status).toBe(201);
    expect((await platform.admin.delete("/v1/switches/checkout.new")).status).toBe(204);
  });

  test("only administrators set them", async () => {
    const caller = await platform.caller({ scopes: ["switches:read", "config:write"] });
    expect((await caller.put("/v1/switches/x", { on: true })).status).toBe(403);
    expect((await caller.get("/v1/switches")).status).toBe(200);
  });
});
