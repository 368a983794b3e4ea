import { beforeEach, describe, expect, test } from "vitest";
import { CreateKeyRequest } from "../contracts/access.ts";
import type { NewKey } from "./api-keys.ts";
import { ControlDatabase } from "./control-database.ts";
import { hashSecret, mintKey, mintSecret, parseKey } from "./key-secret.ts";
import { bindings, freshPlatform, query } from "./testing/bindings.ts";
import type { Write } from "./write.ts";

const nowMs = 1_700_000_000_000;
const write = (more: Partial<Write> = {}): Write => ({ actor: { subject: "admin", requestId: "r1" }, nowMs, ...more });
const newKey = (id: string, more: Partial<NewKey> = {}): NewKey => ({
  id,
  secretHash: `hash-of-${id}`,
  name: "checkout",
  tenant: "shop",
  scopes: ["limits:check"],
  expiresAtMs: null,
  ...more,
});

let database: ControlDatabase;
beforeEach(async () => {
  await freshPlatform();
  database = new ControlDatabase(bindings.DB);
});

async function create(id: string, more: Partial<NewKey> = {}): Promise<string> {
  const created = await database.apiKeys.create(write(), newKey(id, more));
  if (!created.ok) throw new Error(created.refusal.detail);
  return created.value.tenantId;
}

describe("keys", () => {
  test("the first key of a new name makes its tenant, each with an audit row", async () => {
    const tenantId = await create("k1");
    expect(tenantId).toMatch(/^t_[0-9a-f]{20}$/);
    expect(await create("k2")).toBe(tenantId);
    expect(await database.tenants.byName("shop")).toEqual({ ok: true, value: { id: tenantId, name: "shop" } });
    expect(await query("SELECT action, kind, name, tenant_id FROM audit WHERE seq > 1 ORDER BY seq")).toEqual([
      { action: "create", kind: "tenants", name: "shop", tenant_id: tenantId },
      { action: "create", kind: "keys", name: "k1", tenant_id: tenantId },
      { action: "create", kind: "keys", name: "k2", tenant_id: tenantId },
    ]);
  });

  test("the audit says a key in the form in which it is POSTed", async () => {
    await create("k1", { expiresAtMs: nowMs });
    await create("k2");
    const request = { name: "checkout", tenant: "shop", scopes: ["limits:check"] };
    const page = await database.audit.list(null, { limit: 2 });
    expect(page.ok && page.value.items.map(({ after }) => after)).toEqual([
      request,
      { ...request, expiresAt: new Date(nowMs).toISOString() },
    ]);
    for (const { after } of page.ok ? page.value.items : []) {
      expect(CreateKeyRequest.safeParse(after).success).toBe(true);
    }
  });

  test("two first keys of one name at the same time share the tenant", async () => {
    const ids = await Promise.all(["k1", "k2", "k3"].map((id) => create(id)));
    expect(new Set(ids).size).toBe(1);
  });

  test("the tenant default exists from the start, with an id of its own for each database", async () => {
    const first = await database.tenants.byName("default");
    expect(first).toMatchObject({ ok: true, value: { id: expect.stringMatching(/^t_[0-9a-f]{20}$/) } });
    await freshPlatform();
    expect(await database.tenants.byName("default")).not.toEqual(first);
  });

  test("are found and listed with their tenant's name", async () => {
    const tenantId = await create("k2", { expiresAtMs: nowMs + 1 });
    await create("k1");
    await create("other", { tenant: "default" });
    expect(await database.apiKeys.find("k2")).toMatchObject({
      value: {
        id: "k2",
        tenantId,
        tenant: "shop",
        scopes: ["limits:check"],
        secretHash: "hash-of-k2",
        expiresAtMs: nowMs + 1,
      },
    });
    expect(await database.apiKeys.find("none")).toMatchObject({ refusal: { code: "key_not_found" } });
    const page = await database.apiKeys.list(tenantId, { limit: 1 });
    expect(page).toMatchObject({ value: { items: [{ id: "k1" }], cursor: expect.any(String) } });
    const all = await database.apiKeys.list(null, { limit: 10 });
    expect(all.ok && all.value.items.map(({ id }) => id)).toEqual(["k1", "k2", "other"]);
  });

  test("rotation keeps the old hash for its grace, and only the last one", async () => {
    const tenantId = await create("k1");
    await database.apiKeys.rotate(write(), tenantId, "k1", "second", 5_000);
    expect(await database.apiKeys.find("k1")).toMatchObject({
      value: { secretHash: "second", previousHash: "hash-of-k1", previousExpiresAtMs: nowMs + 5_000 },
    });
    await database.apiKeys.rotate(write(), null, "k1", "third", 0);
    expect(await database.apiKeys.find("k1")).toMatchObject({
      value: { secretHash: "third", previousHash: "second", previousExpiresAtMs: nowMs },
    });
  });

  test("a revoked key stays revoked: again is no error, and it cannot be rotated", async () => {
    const tenantId = await create("k1");
    const revoked = await database.apiKeys.revoke(write(), tenantId, "k1");
    expect(await database.apiKeys.revoke(write({ nowMs: nowMs + 9 }), tenantId, "k1")).toEqual(revoked);
    expect(await database.apiKeys.find("k1")).toMatchObject({ value: { revokedAtMs: nowMs } });
    const rotated = await database.apiKeys.rotate(write(), tenantId, "k1", "x", 0);
    expect(rotated).toMatchObject({ refusal: { code: "key_not_found" } });
  });

  test("AU-2 another tenant's key can be neither rotated nor revoked", async () => {
    await create("k1");
    const before = await query("SELECT * FROM api_keys");
    for (const change of [
      database.apiKeys.rotate(write(), "t_other", "k1", "x", 0),
      database.apiKeys.revoke(write(), "t_other", "k1"),
    ]) {
      expect(await change).toMatchObject({ refusal: { code: "key_not_found" } });
    }
    expect(await query("SELECT * FROM api_keys")).toEqual(before);
  });

  test("CP-11 a new tenant beyond the snapshot's bound is not made", async () => {
    await query(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9799)
       INSERT INTO resources SELECT 'limits', 't_b', 'n' || i, '{}', 1, 0, 0 FROM n`,
    );
    expect(await database.apiKeys.create(write(), newKey("k1"))).toMatchObject({
      refusal: { code: "too_many_resources" },
    });
    expect(await query("SELECT 1 FROM audit WHERE seq > 1")).toEqual([]);
    expect(await create("k2", { tenant: "default" })).toMatch(/^t_/);
  });
});

describe("ID-5", () => {
  const idempotency = { id: "i1", bodyHash: "b1" };

  test("creation repeated is refused with the id, and makes nothing", async () => {
    await database.apiKeys.create(write({ idempotency }), newKey("k1"));
    const again = await database.apiKeys.create(write({ idempotency }), newKey("k2", { tenant: "new" }));
    expect(again).toMatchObject({ refusal: { code: "key_already_created", detail: expect.stringContaining("k1") } });
    expect(await query("SELECT id FROM api_keys")).toEqual([{ id: "k1" }]);
    expect(await database.tenants.byName("new")).toMatchObject({ ok: false });
  });

  test("rotation repeated is refused, and rotates nothing", async () => {
    const tenantId = await create("k1");
    await database.apiKeys.rotate(write({ idempotency }), tenantId, "k1", "second", 0);
    const again = await database.apiKeys.rotate(write({ idempotency }), tenantId, "k1", "third", 0);
    expect(again).toMatchObject({ refusal: { code: "key_already_created" } });
    expect(await database.apiKeys.find("k1")).toMatchObject({ value: { secretHash: "second" } });
  });
});

test("AU-3 neither the audit nor what is kept for repetitions holds a secret or its hash", async () => {
  const { id, key, secretHash } = await mintKey();
  const idempotency = { id: "i1", bodyHash: "b1" };
  await database.apiKeys.create(write({ idempotency }), newKey(id, { secretHash }));
  await database.apiKeys.rotate(write(), null, id, (await mintSecret(id)).secretHash, 0);
  const kept = JSON.stringify([await query("SELECT * FROM audit"), await query("SELECT * FROM idempotency")]);
  const stored = JSON.stringify(await query("SELECT * FROM api_keys"));
  const secret = parseKey(key)?.secret ?? "";
  expect(kept).not.toContain(secret);
  expect(kept).not.toContain(secretHash);
  expect(stored).not.toContain(secret);
  expect(stored).toContain(await hashSecret(secret));
});

test("only a whole key parses", () => {
  const id = "0".repeat(20);
  const secret = "f".repeat(64);
  expect(parseKey(`bw_${id}_${secret}`)).toEqual({ id, secret });
  for (const text of ["", "bw__", `bw_${id}_${secret}0`, ` bw_${id}_${secret}`, `bw_${id}_${secret}\n`]) {
    expect(parseKey(text)).toBeUndefined();
  }
});
