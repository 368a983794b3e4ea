import { beforeEach, describe, expect, test } from "vitest";
import type { LimitPolicy } from "../contracts/limits.ts";
import { ControlDatabase } from "./control-database.ts";
import { bindings, freshPlatform, query } from "./testing/bindings.ts";
import type { Write } from "./write.ts";

const policy = (limit: number): LimitPolicy => ({
  algorithm: "fixed-window",
  limit,
  windowMs: 1_000,
  mode: "exact",
  failMode: "open",
  shadow: false,
});
const write = (more: Partial<Write> = {}): Write => ({
  actor: { subject: "key:k", requestId: "r1" },
  nowMs: 1_700_000_000_000,
  ...more,
});

let database: ControlDatabase;
beforeEach(async () => {
  await freshPlatform();
  database = new ControlDatabase(bindings.DB);
});

describe("put", () => {
  test("CP-1 a write and its audit row are one: the row's number is the resource's version", async () => {
    const created = await database.resources.put(write(), "limits", "t_a", "api", policy(1));
    const updated = await database.resources.put(write(), "limits", "t_a", "api", policy(2));
    expect(created).toMatchObject({ ok: true, value: { action: "create" } });
    expect(updated).toMatchObject({ ok: true, value: { action: "update" } });
    const rows = await query("SELECT * FROM audit WHERE kind = 'limits' ORDER BY seq");
    expect(rows).toMatchObject([
      { action: "create", name: "api", tenant_id: "t_a", before: null, actor: "key:k", request_id: "r1" },
      { action: "update", before: rows[0]?.after, seq: updated.ok && updated.value.version },
    ]);
    expect(await database.resources.get("limits", "t_a", "api")).toMatchObject({
      ok: true,
      value: { body: policy(2), version: rows[1]?.seq },
    });
  });

  test("CP-1 a transaction that fails half way leaves neither the resource nor its audit row", async () => {
    await query("CREATE TRIGGER broken BEFORE INSERT ON resources BEGIN SELECT RAISE(ABORT, 'broken'); END");
    const put = await database.resources.put(write(), "limits", "t_a", "api", policy(1));
    expect(put).toMatchObject({ ok: false, refusal: { code: "outcome_unknown" } });
    expect(await query("SELECT * FROM audit WHERE kind = 'limits'")).toEqual([]);
    expect(await query("SELECT * FROM resources")).toEqual([]);
  });

  test("the same body again keeps its version and leaves no audit row", async () => {
    const first = await database.resources.put(write(), "limits", "t_a", "api", policy(1));
    const again = await database.resources.put(write(), "limits", "t_a", "api", { ...policy(1) });
    const version = first.ok ? first.value.version : 0;
    expect(again).toMatchObject({ ok: true, value: { action: "unchanged", version } });
    expect(await query("SELECT * FROM audit WHERE kind = 'limits'")).toHaveLength(1);
  });

  test("CP-4 a version grows over deletion and re-creation", async () => {
    const versions = [];
    for (let round = 0; round < 3; round++) {
      const put = await database.resources.put(write(), "limits", "t_a", "api", policy(1));
      const deleted = await database.resources.delete(write(), "limits", "t_a", "api");
      versions.push(put.ok && put.value.version, deleted.ok && deleted.value.version);
    }
    expect(versions).toEqual([2, 3, 4, 5, 6, 7]);
  });

  test("CP-5 If-Match with another version changes nothing", async () => {
    const put = await database.resources.put(write(), "limits", "t_a", "api", policy(1));
    const version = put.ok ? put.value.version : 0;
    const mismatch = { ok: false, refusal: { code: "version_mismatch" } };
    const other = write({ ifMatch: [version + 1, version - 1] });
    expect(await database.resources.put(other, "limits", "t_a", "api", policy(2))).toMatchObject(mismatch);
    expect(await database.resources.put(other, "limits", "t_a", "api", policy(1))).toMatchObject(mismatch);
    expect(await database.resources.delete(other, "limits", "t_a", "api")).toMatchObject(mismatch);
    expect(await database.resources.put(write({ ifMatch: "*" }), "limits", "t_a", "new", policy(1))).toMatchObject(
      mismatch,
    );
    expect(await query("SELECT * FROM audit WHERE kind = 'limits'")).toHaveLength(1);

    const right = write({ ifMatch: [7, version] });
    expect(await database.resources.put(right, "limits", "t_a", "api", policy(2))).toMatchObject({ ok: true });
    expect(await database.resources.delete(write({ ifMatch: "*" }), "limits", "t_a", "api")).toMatchObject({
      ok: true,
    });
  });

  test("CP-5 a write that expects none makes one and replaces none", async () => {
    const put = (limit: number) =>
      database.resources.put(write({ ifMatch: "none" }), "limits", "t_a", "api", policy(limit));
    const plan = () => database.resources.plan("none", "limits", "t_a", "api", policy(1));
    expect(await plan()).toMatchObject({ ok: true, value: { action: "create" } });
    const both = await Promise.all([put(1), put(2)]);
    expect(both.map(({ ok }) => ok).sort()).toEqual([false, true]);
    const mismatch = { ok: false, refusal: { code: "version_mismatch" } };
    expect(await put(1)).toMatchObject(mismatch);
    expect(await plan()).toMatchObject(mismatch);
    expect(await query("SELECT * FROM audit WHERE kind = 'limits'")).toHaveLength(1);
  });

  test("CP-11 beyond the snapshot's bound nothing is created, and what exists can still change", async () => {
    await database.resources.put(write(), "limits", "t_a", "api", policy(1));
    await query(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9798)
       INSERT INTO resources SELECT 'limits', 't_b', 'n' || i, '{}', 1, 0, 0 FROM n`,
    );
    expect(await database.resources.put(write(), "limits", "t_a", "more", policy(1))).toMatchObject({
      ok: false,
      refusal: { code: "too_many_resources" },
    });
    expect(await database.resources.put(write(), "limits", "t_a", "api", policy(2))).toMatchObject({ ok: true });
    await database.resources.delete(write(), "limits", "t_b", "n1");
    expect(await database.resources.put(write(), "limits", "t_a", "more", policy(1))).toMatchObject({ ok: true });
  });
});

test("AU-2 tenants do not see each other's limits", async () => {
  await database.resources.put(write(), "limits", "t_a", "api", policy(1));
  expect(await database.resources.get("limits", "t_b", "api")).toMatchObject({ refusal: { code: "limit_not_found" } });
  expect(await database.resources.list("limits", "t_b", { limit: 10 })).toEqual({ ok: true, value: { items: [] } });
  expect(await database.resources.delete(write(), "limits", "t_b", "api")).toMatchObject({
    refusal: { code: "limit_not_found" },
  });
});

test("CP-6 a plan tells what would change and changes nothing", async () => {
  const plan = (body: unknown) => database.resources.plan(undefined, "limits", "t_a", "api", body);
  expect(await plan(policy(1))).toMatchObject({ ok: true, value: { action: "create", before: null } });
  await database.resources.put(write(), "limits", "t_a", "api", policy(1));
  expect(await plan(policy(1))).toMatchObject({ value: { action: "unchanged" } });
  expect(await plan(policy(2))).toMatchObject({ value: { action: "update", before: policy(1), after: policy(2) } });
  expect(await plan(null)).toMatchObject({ value: { action: "delete", before: policy(1), after: null } });
  expect(await database.resources.plan([99], "limits", "t_a", "api", null)).toMatchObject({
    refusal: { code: "version_mismatch" },
  });
  expect(await query("SELECT * FROM audit WHERE kind = 'limits'")).toHaveLength(1);
});

test("a list is paged by name, and its cursor may be anything", async () => {
  for (const name of ["c", "a", "e", "b", "d"]) await database.resources.put(write(), "limits", "t_a", name, policy(1));
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await database.resources.list("limits", "t_a", { limit: 2, ...(cursor ? { cursor } : {}) });
    if (!page.ok) throw new Error(page.refusal.detail);
    names.push(...page.value.items.map(({ name }) => name));
    cursor = page.value.cursor;
  } while (cursor !== undefined);
  expect(names).toEqual(["a", "b", "c", "d", "e"]);
  expect(await database.resources.list("limits", "t_a", { limit: 1, cursor: "💥" })).toMatchObject({ ok: true });
});

test("reads without D1 refuse control_plane_unavailable, writes outcome_unknown", async () => {
  await query("DROP TABLE resources");
  expect(await database.resources.get("limits", "t_a", "api")).toMatchObject({
    refusal: { code: "control_plane_unavailable" },
  });
  expect(await database.resources.put(write(), "limits", "t_a", "api", policy(1))).toMatchObject({
    refusal: { code: "outcome_unknown" },
  });
});
