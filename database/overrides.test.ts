import { beforeEach, describe, expect, test } from "vitest";
import { ControlDatabase } from "./control-database.ts";
import { bindings, freshPlatform, query } from "./testing/bindings.ts";
import type { Write } from "./write.ts";

const write = (more: Partial<Write> = {}): Write => ({
  actor: { subject: "admin", requestId: "r1" },
  nowMs: 1_700_000_000_000,
  ...more,
});
const policy = { algorithm: "gcra", limit: 1, windowMs: 1_000, mode: "exact", failMode: "open", shadow: false };

let database: ControlDatabase;
beforeEach(async () => {
  await freshPlatform();
  database = new ControlDatabase(bindings.DB);
  await database.resources.put(write(), "limits", "t_a", "api", policy);
});

const put = (key: string, limit: number, more: Partial<Write> = {}) =>
  database.overrides.put(write(more), "t_a", "api", key, { limit });
const undelivered = async () => {
  const read = await database.overrides.undelivered(100);
  if (!read.ok) throw new Error(read.refusal.detail);
  return read.value;
};

describe("CP-8", () => {
  test("an override is told to its object until that has acknowledged this very version", async () => {
    const first = await put("é", 5);
    expect(await undelivered()).toMatchObject([{ tenantId: "t_a", limit: "api", key: "é", override: { limit: 5 } }]);
    const stale = await undelivered();
    const second = await put("é", 6);
    await database.overrides.markDelivered(stale);
    expect(await undelivered()).toMatchObject([{ override: { limit: 6 }, version: second.ok && second.value.version }]);
    await database.overrides.markDelivered(await undelivered());
    expect(await undelivered()).toEqual([]);
    expect(await database.overrides.get("t_a", "api", "é")).toMatchObject({ value: { delivered: true } });
    expect(first.ok && second.ok && second.value.version > first.value.version).toBe(true);
  });

  test("those tried longest ago come first, so that none keeps others waiting", async () => {
    const at = (ms: number) => ({ nowMs: write().nowMs + ms });
    for (const [index, key] of ["a", "b", "c"].entries()) await put(key, 5, at(index));
    const keys = async (limit: number) => {
      const read = await database.overrides.undelivered(limit);
      return read.ok && read.value.map(({ key }) => key);
    };
    expect(await keys(2)).toEqual(["a", "b"]);
    await database.overrides.markAttempted((await undelivered()).slice(0, 2), at(10).nowMs);
    expect(await keys(1)).toEqual(["c"]);
    await put("d", 5, at(20));
    expect(await keys(9)).toEqual(["c", "a", "b", "d"]);
    await database.overrides.markAttempted((await undelivered()).slice(0, 1), at(30).nowMs);
    expect(await keys(9)).toEqual(["a", "b", "d", "c"]);
  });

  test("a removal too, and then nothing is left of it", async () => {
    await put("k", 5);
    await database.overrides.markDelivered(await undelivered());
    const removed = await database.overrides.delete(write(), "t_a", "api", "k");
    expect(await database.overrides.get("t_a", "api", "k")).toMatchObject({ refusal: { code: "override_not_found" } });
    expect(await undelivered()).toMatchObject([{ override: null, version: removed.ok && removed.value.version }]);
    await database.overrides.markDelivered(await undelivered());
    expect(await query("SELECT * FROM limit_overrides")).toEqual([]);
  });

  test("a limit's deletion removes its overrides, and those of no other limit", async () => {
    await database.resources.put(write(), "limits", "t_a", "web", policy);
    await put("k", 5);
    await database.overrides.put(write(), "t_a", "web", "k", { unlimited: true });
    await database.overrides.markDelivered(await undelivered());
    const deleted = await database.resources.delete(write(), "limits", "t_a", "api");
    expect(await undelivered()).toEqual([
      expect.objectContaining({ limit: "api", override: null, version: deleted.ok && deleted.value.version }),
    ]);
  });
});

describe("overrides", () => {
  test("need their limit", async () => {
    expect(await database.overrides.put(write(), "t_a", "none", "k", { limit: 1 })).toMatchObject({
      refusal: { code: "limit_not_found" },
    });
    expect(await database.overrides.put(write(), "t_b", "api", "k", { limit: 1 })).toMatchObject({
      refusal: { code: "limit_not_found" },
    });
  });

  test("the same body again keeps version and delivery", async () => {
    const first = await put("k", 5);
    await database.overrides.markDelivered(await undelivered());
    expect(await put("k", 5)).toEqual({
      ok: true,
      value: { action: "unchanged", version: first.ok && first.value.version },
    });
    expect(await undelivered()).toEqual([]);
  });

  test("CP-5 If-Match holds for them", async () => {
    const first = await put("k", 5);
    const version = first.ok ? first.value.version : 0;
    const mismatch = { refusal: { code: "version_mismatch" } };
    expect(await put("k", 6, { ifMatch: [version + 1] })).toMatchObject(mismatch);
    expect(await put("new", 6, { ifMatch: "*" })).toMatchObject(mismatch);
    const other = write({ ifMatch: [version + 1] });
    expect(await database.overrides.delete(other, "t_a", "api", "k")).toMatchObject(mismatch);
    expect(await put("k", 6, { ifMatch: [version] })).toMatchObject({ ok: true, value: { action: "update" } });
  });

  test("a removed one can be made again, with a later version", async () => {
    await put("k", 5);
    const removed = await database.overrides.delete(write(), "t_a", "api", "k");
    const again = await put("k", 5);
    expect(again).toMatchObject({ ok: true, value: { action: "create" } });
    expect(again.ok && removed.ok && again.value.version > removed.value.version).toBe(true);
  });

  test("AU-2 belong to their tenant", async () => {
    await put("k", 5);
    expect(await database.overrides.get("t_b", "api", "k")).toMatchObject({ refusal: { code: "override_not_found" } });
    expect(await database.overrides.list("t_b", "api", { limit: 9 })).toEqual({ ok: true, value: { items: [] } });
  });

  test("are listed by key, page by page", async () => {
    for (const key of ["b", "é", "a", "💥"]) await put(key, 1);
    const keys: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await database.overrides.list("t_a", "api", { limit: 3, ...(cursor ? { cursor } : {}) });
      if (!page.ok) throw new Error(page.refusal.detail);
      keys.push(...page.value.items.map(({ key }) => key));
      cursor = page.value.cursor;
    } while (cursor !== undefined);
    expect(keys).toEqual(["a", "b", "é", "💥"]);
  });
});

test("the audit lists newest first, a tenant's own alone, page by page", async () => {
  await put("k", 5);
  await database.resources.put(write(), "limits", "t_b", "secret", policy);
  const own = await database.audit.list("t_a", { limit: 10 });
  expect(own.ok && own.value.items.map(({ kind, name, action }) => [kind, name, action])).toEqual([
    ["overrides", "api/k", "create"],
    ["limits", "api", "create"],
  ]);
  const first = await database.audit.list(null, { limit: 3 });
  if (!first.ok || first.value.cursor === undefined) throw new Error("a cursor was expected");
  const rest = await database.audit.list(null, { limit: 3, cursor: first.value.cursor });
  const seqs = [...first.value.items, ...(rest.ok ? rest.value.items : [])].map(({ seq }) => seq);
  expect(seqs).toEqual([4, 3, 2, 1]);
  expect(rest.ok && rest.value.items[0]).toMatchObject({ tenant: "default", action: "create", requestId: "migration" });
});
