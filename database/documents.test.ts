import { beforeEach, describe, expect, test } from "vitest";
import { ConfigDocument, maxStoredEntries } from "../contracts/control-plane.ts";
import { ControlDatabase } from "./control-database.ts";
import { bindings, freshPlatform, query } from "./testing/bindings.ts";
import type { Write } from "./write.ts";

const limit = (count: number) => ({ algorithm: "gcra" as const, limit: count, windowMs: 1_000 });
const issuer = { issuer: "https://id.example", audience: "a", jwksUrl: "https://id.example/jwks" };
const document = (parts: unknown) => ConfigDocument.parse({ version: 1, ...(parts as object) });
const nothing = document({ limits: {}, overrides: [] });
const whole = document({
  limits: { api: limit(1), web: limit(2) },
  overrides: [
    { limit: "api", key: "user/1 é", override: { limit: 5 } },
    { limit: "api", key: "__proto__", override: { unlimited: true } },
  ],
  issuers: { main: issuer },
});
const write = (more: Partial<Write> = {}): Write => ({
  actor: { subject: "admin", requestId: "r1" },
  nowMs: 1_700_000_000_000,
  ...more,
});

let database: ControlDatabase;
beforeEach(async () => {
  await freshPlatform();
  database = new ControlDatabase(bindings.DB);
});

const load = (wanted: ConfigDocument, more: Partial<Write> = {}, dryRun = false) =>
  database.documents.import(write(more), "t_a", true, wanted, dryRun);
const seq = async () => Number((await query("SELECT max(seq) AS seq FROM audit"))[0]?.seq);
/** Everything that a write may change. */
const everything = async () => [
  await query("SELECT * FROM resources"),
  await query("SELECT * FROM limit_overrides"),
  await query("SELECT * FROM audit"),
];

describe("CP-7", () => {
  test("the import of an export changes nothing", async () => {
    await load(whole);
    const before = await everything();
    const exported = await database.documents.export("t_a", true);
    if (!exported.ok) throw new Error(exported.refusal.detail);
    expect(ConfigDocument.parse(exported.value)).toEqual(exported.value);
    expect(exported.value.limits).toEqual(whole.limits);
    expect(exported.value.issuers).toEqual(whole.issuers);
    expect(exported.value.overrides).toHaveLength(2);
    expect(await load(exported.value)).toEqual({ ok: true, value: { changes: [], entries: [], version: 0 } });
    expect(await everything()).toEqual(before);
  });

  test("an import makes the configuration what the document says, with an audit row for each change", async () => {
    await load(whole);
    const next = document({
      limits: { api: limit(9) },
      overrides: [{ limit: "api", key: "user/1 é", override: { limit: 6 } }],
      issuers: {},
    });
    const imported = await load(next);
    if (!imported.ok) throw new Error(imported.refusal.detail);
    expect(imported.value.changes.map(({ kind, name, action }) => [kind, name, action])).toEqual([
      ["issuers", "main", "delete"],
      ["limits", "api", "update"],
      ["limits", "web", "delete"],
      ["overrides", "api/__proto__", "delete"],
      ["overrides", "api/user/1 é", "update"],
    ]);
    const exported = await database.documents.export("t_a", true);
    expect(exported).toEqual({ ok: true, value: next });
    expect(imported.value.version).toBe(await seq());

    // The entries for the isolate's snapshot carry the versions that the rows have.
    const rows = await query("SELECT name, version FROM resources WHERE kind = 'limits'");
    expect(imported.value.entries.find(({ name }) => name === "api")?.version).toBe(rows[0]?.version);
    const audit = await query("SELECT seq, action FROM audit WHERE name = 'web' ORDER BY seq DESC");
    expect(imported.value.entries.find(({ name }) => name === "web")).toMatchObject({
      body: null,
      version: audit[0]?.seq,
    });
  });

  test("an import that fails half way changes nothing", async () => {
    await load(whole);
    const before = await everything();
    await query("CREATE TRIGGER broken BEFORE UPDATE ON limit_overrides BEGIN SELECT RAISE(ABORT, 'broken'); END");
    expect(await load(nothing)).toMatchObject({ refusal: { code: "outcome_unknown" } });
    expect(await everything()).toEqual(before);
  });

  test("a removed override stays known until its object has been told", async () => {
    await load(whole);
    await load(nothing);
    const undelivered = await database.overrides.undelivered(10);
    if (!undelivered.ok) throw new Error(undelivered.refusal.detail);
    expect(undelivered.value.map(({ key, override }) => [key, override]).sort()).toEqual([
      ["__proto__", null],
      ["user/1 é", null],
    ]);
    await database.overrides.markDelivered(undelivered.value);
    expect(await query("SELECT * FROM limit_overrides")).toEqual([]);
  });

  test("a configuration that changed between plan and write is planned anew, and refused when it goes on changing", async () => {
    await load(whole);
    let interferences = 0;
    /** Changes a limit each time that a batch is about to be written. */
    const meddling = (times: number): D1Database => {
      const d1 = bindings.DB;
      return new Proxy(d1, {
        get(target, name) {
          if (name !== "batch") return Reflect.get(target, name).bind(target);
          return async (statements: D1PreparedStatement[]) => {
            // Writes are recognised by their length: a reading has three statements.
            if (statements.length > 3 && interferences < times) {
              interferences++;
              await database.resources.put(write(), "limits", "t_a", "web", limit(100 + interferences));
            }
            return target.batch(statements);
          };
        },
      });
    };
    const through = (times: number) => new ControlDatabase(meddling(times)).documents;
    const conflict = await through(99).import(write(), "t_a", true, nothing, false);
    expect(conflict).toMatchObject({ refusal: { code: "import_conflict" } });
    expect(interferences).toBe(3);

    interferences = 0;
    const imported = await through(1).import(write(), "t_a", true, document({ limits: whole.limits }), false);
    if (!imported.ok) throw new Error(imported.refusal.detail);
    expect(imported.value.changes.find(({ name }) => name === "web")?.before).toEqual(limit(101));
  });
});

test("CP-6 a dry run tells the same changes and makes none", async () => {
  await load(whole);
  const before = await everything();
  const planned = await load(nothing, {}, true);
  expect(await everything()).toEqual(before);
  const done = await load(nothing);
  expect(planned.ok && planned.value.changes).toEqual(done.ok && done.value.changes);
});

test("without issuers in the document they stay; without being an administrator they are refused", async () => {
  await load(whole);
  const { issuers: _, ...rest } = whole;
  expect(await load(rest as ConfigDocument)).toMatchObject({ value: { changes: [] } });
  const refused = await database.documents.import(write(), "t_a", false, whole, false);
  expect(refused).toMatchObject({ refusal: { code: "forbidden" } });
  const exported = await database.documents.export("t_a", false);
  expect(exported.ok && "issuers" in exported.value).toBe(false);
});

test("CP-7 a section that the document lacks is left alone", async () => {
  await load(whole);
  const before = await everything();
  expect(await load(document({}))).toMatchObject({ value: { changes: [] } });
  expect(await load(document({ limits: whole.limits }))).toMatchObject({ value: { changes: [] } });
  expect(await load(document({ overrides: whole.overrides }))).toMatchObject({ value: { changes: [] } });
  expect(await everything()).toEqual(before);
  // Alone, overrides are of limits that exist; without their section they end with their limit.
  expect(await load(document({ overrides: [{ limit: "none", key: "k", override: { limit: 1 } }] }))).toMatchObject({
    refusal: { code: "invalid_body" },
  });
  const imported = await load(document({ limits: { web: limit(2) } }));
  expect(imported.ok && imported.value.changes.map(({ kind, name, action }) => [kind, name, action])).toEqual([
    ["limits", "api", "delete"],
    ["overrides", "api/__proto__", "delete"],
    ["overrides", "api/user/1 é", "delete"],
  ]);
  // Also under an Idempotency-Key, where an import without effect is recorded.
  const key = { idempotency: { id: "i1", bodyHash: "b1" } };
  expect(await load(document({}), key)).toMatchObject({ ok: true, value: { changes: [] } });
});

test("AU-2 an import touches nothing of another tenant", async () => {
  await database.documents.import(write(), "t_b", false, document({ limits: whole.limits }), false);
  await load(nothing);
  expect(await database.documents.export("t_b", false)).toMatchObject({ value: { limits: whole.limits } });
});

test("a document that contradicts itself is refused", async () => {
  const override = { limit: "api", key: "k", override: { limit: 1 } };
  for (const bad of [{ overrides: [override] }, { limits: { api: limit(1) }, overrides: [override, override] }]) {
    expect(await load(document(bad))).toMatchObject({ refusal: { code: "invalid_body" } });
  }
  expect(await seq()).toBe(1);
});

test("CP-11 an import beyond the snapshot's bound changes nothing; the largest within it is one transaction", async () => {
  const many = (count: number) =>
    document({ limits: Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, limit(i + 1)])) });
  expect(await load(many(maxStoredEntries))).toMatchObject({ refusal: { code: "too_many_resources" } });
  expect(await seq()).toBe(1);
  // The tenant "default" takes one place.
  const imported = await load(many(maxStoredEntries - 1));
  expect(imported.ok && imported.value.version).toBe(await seq());
  const numbered = await query(
    "SELECT count(*) AS n FROM resources r JOIN audit a ON a.seq = r.version AND a.name = r.name",
  );
  expect(numbered).toEqual([{ n: maxStoredEntries - 1 }]);
});

describe("with an Idempotency-Key", () => {
  const key = { idempotency: { id: "i1", bodyHash: "b1" } };

  test("ID-1 an import is done once and answers the same", async () => {
    const first = await load(whole, key);
    const before = await everything();
    await database.resources.delete(write(), "limits", "t_a", "web");
    const again = await load(whole, key);
    expect(again).toMatchObject({ ok: true, replayed: true });
    expect(again.ok && again.value.changes).toEqual(first.ok && first.value.changes);
    expect(await database.resources.get("limits", "t_a", "web")).toMatchObject({ ok: false });
    expect((await everything())[2]?.length).toBe((before[2]?.length ?? 0) + 1);
  });

  test("ID-1 also one that changed nothing", async () => {
    await load(whole);
    expect(await load(whole, key)).toMatchObject({ ok: true, value: { changes: [] } });
    await database.resources.delete(write(), "limits", "t_a", "web");
    expect(await load(whole, key)).toMatchObject({ ok: true, replayed: true, value: { changes: [] } });
    expect(await database.resources.get("limits", "t_a", "web")).toMatchObject({ ok: false });
  });

  test("ID-2 another body changes nothing", async () => {
    await load(whole, key);
    const before = await everything();
    const other = { idempotency: { id: "i1", bodyHash: "b2" } };
    expect(await load(nothing, other)).toMatchObject({ refusal: { code: "idempotency_key_reused" } });
    expect(await everything()).toEqual(before);
  });

  test("ID-3 a failed import leaves no key", async () => {
    await query("CREATE TRIGGER broken BEFORE INSERT ON resources BEGIN SELECT RAISE(ABORT, 'broken'); END");
    expect(await load(whole, key)).toMatchObject({ ok: false });
    expect(await query("SELECT * FROM idempotency")).toEqual([]);
    await query("DROP TRIGGER broken");
    expect(await load(whole, key)).toMatchObject({ ok: true });
  });

  test("ID-6 two at the same time do the work once", async () => {
    const results = await Promise.all([load(whole, key), load(whole, key), load(whole, key)]);
    expect(results.filter((result) => result.ok && result.replayed === undefined)).toHaveLength(1);
    expect(results.filter((result) => result.ok && result.replayed)).toHaveLength(2);
    expect(await query("SELECT 1 FROM audit WHERE action = 'import'")).toHaveLength(1);
  });

  test("ID-1 ends after 24 h, and then the key is purged", async () => {
    const nowMs = 1_700_000_000_000;
    await load(whole, { ...key, nowMs });
    const dayMs = 24 * 60 * 60 * 1000;
    expect(await load(whole, { ...key, nowMs: nowMs + dayMs - 1 })).toMatchObject({ replayed: true });
    expect(await database.purgeIdempotency(nowMs + dayMs - 1)).toEqual({ ok: true, value: 0 });
    const late = await load(whole, { ...key, nowMs: nowMs + dayMs });
    expect(late).toMatchObject({ ok: true, value: { changes: [] } });
    expect(late).not.toHaveProperty("replayed");
    expect(await database.purgeIdempotency(nowMs + 2 * dayMs)).toEqual({ ok: true, value: 1 });
  });
});
