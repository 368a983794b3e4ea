import { beforeEach, expect, test } from "vitest";
import { ok, type Result, refuse } from "../../../../contracts/result.ts";
import { hashSecret, mintKey } from "../../../../database/key-secret.ts";
import { ApiKeys, type KeyRecord } from "./api-keys.ts";

const nowMs = 1_000_000;
let records: Map<string, KeyRecord>;
let lookups: number;
let used: string[];
let confirmedAgeMs: number;
let find: (id: string) => Promise<Result<KeyRecord>>;
let keys: ApiKeys;

beforeEach(() => {
  records = new Map();
  lookups = 0;
  used = [];
  confirmedAgeMs = 0;
  find = async (id) => {
    const record = records.get(id);
    return record === undefined ? refuse("key_not_found", "none") : ok(record);
  };
  keys = new ApiKeys({
    find: (id) => {
      lookups++;
      return find(id);
    },
    confirmedAgeMs: () => confirmedAgeMs,
    used: (id) => used.push(id),
  });
});

async function add(changes: Partial<KeyRecord> = {}): Promise<{ id: string; token: string }> {
  const { id, key, secretHash } = await mintKey();
  records.set(id, {
    id,
    tenantId: "t_1",
    tenant: "acme",
    scopes: ["limits:check"],
    secretHash,
    previousHash: null,
    previousExpiresAtMs: null,
    expiresAtMs: null,
    revokedAtMs: null,
    ...changes,
  });
  return { id, token: key };
}

test("a key is looked up once and then known without any wait", async () => {
  const { id, token } = await add();
  expect(keys.remembered(id, token, nowMs)).toBeUndefined();
  const verified = await keys.verify(token, nowMs);
  expect(verified).toMatchObject({ ok: true, value: { tenantId: "t_1", subject: `key:${id}` } });
  expect(keys.remembered(id, token, nowMs)?.scopes).toEqual(new Set(["limits:check"]));
  await keys.verify(token, nowMs);
  expect(lookups).toBe(1);
  expect(used).toEqual([id, id, id]);
});

test("a wrong secret is refused, also after the right one was seen", async () => {
  const { id, token } = await add();
  await keys.verify(token, nowMs);
  const wrong = token.slice(0, -1) + (token.endsWith("0") ? "1" : "0");
  expect(keys.remembered(id, wrong, nowMs)).toBeUndefined();
  expect(await keys.verify(wrong, nowMs)).toMatchObject({ refusal: { code: "unauthenticated" } });
  expect(keys.remembered(id, token, nowMs)).toBeDefined();
});

test("AU-4 a key ends at its expiry, also when it is remembered", async () => {
  const { id, token } = await add({ expiresAtMs: nowMs + 10 });
  expect((await keys.verify(token, nowMs)).ok).toBe(true);
  expect(keys.remembered(id, token, nowMs + 9)).toBeDefined();
  expect(keys.remembered(id, token, nowMs + 10)).toBeUndefined();
  expect(await keys.verify(token, nowMs + 10)).toMatchObject({ refusal: { code: "unauthenticated" } });
});

test("a rotated secret works until its grace ends", async () => {
  const secret = "ab".repeat(32);
  const { id } = await add({ previousHash: await hashSecret(secret), previousExpiresAtMs: nowMs + 10 });
  const old = `bw_${id}_${secret}`;
  expect((await keys.verify(old, nowMs)).ok).toBe(true);
  expect(keys.remembered(id, old, nowMs + 9)).toBeDefined();
  expect(keys.remembered(id, old, nowMs + 10)).toBeUndefined();
  expect((await keys.verify(old, nowMs + 10)).ok).toBe(false);
});

test("AU-4 a change is heard: the key is looked up anew", async () => {
  const { id, token } = await add();
  await keys.verify(token, nowMs);
  records.set(id, { ...(records.get(id) as KeyRecord), revokedAtMs: nowMs });
  keys.forget(id);
  expect(keys.remembered(id, token, nowMs)).toBeUndefined();
  expect((await keys.verify(token, nowMs)).ok).toBe(false);
});

test("AU-4 a record read before a change is not kept after it", async () => {
  const { id, token } = await add();
  const stale = records.get(id) as KeyRecord;
  let answer = (_: Result<KeyRecord>) => {};
  find = () => new Promise((resolve) => (answer = resolve));
  const pending = keys.verify(token, nowMs);
  keys.forget(id);
  answer(ok(stale));
  await pending;
  expect(keys.remembered(id, token, nowMs)).toBeUndefined();
});

test("AU-4 without the control plane keys count for 60 s and no longer", async () => {
  const { id, token } = await add();
  await keys.verify(token, nowMs);
  confirmedAgeMs = 60_000;
  expect(keys.remembered(id, token, nowMs)).toBeDefined();
  confirmedAgeMs = 60_001;
  expect(keys.remembered(id, token, nowMs)).toBeUndefined();
  expect(await keys.verify(token, nowMs)).toMatchObject({ refusal: { code: "control_plane_unavailable" } });
});

test("an unknown id is looked up once in ten seconds", async () => {
  const { key } = await mintKey();
  for (const at of [0, 1, 9_999]) expect((await keys.verify(key, nowMs + at)).ok).toBe(false);
  expect(lookups).toBe(1);
  await keys.verify(key, nowMs + 10_000);
  expect(lookups).toBe(2);
});

test("guessing ids is not load on the database; known keys go on working", async () => {
  const { id, token } = await add();
  await keys.verify(token, nowMs);
  for (let guess = 0; guess < 60; guess++) await keys.verify((await mintKey()).key, nowMs);
  expect(lookups).toBe(51);
  expect(await keys.verify((await mintKey()).key, nowMs)).toMatchObject({ refusal: { code: "overloaded" } });
  expect(keys.remembered(id, token, nowMs)).toBeDefined();
  expect(await keys.verify((await mintKey()).key, nowMs + 1000)).toMatchObject({
    refusal: { code: "unauthenticated" },
  });
});

test("what is no key is never looked up", async () => {
  for (const token of ["bw_", "bw_x_y", `bw_${"0".repeat(20)}_${"0".repeat(63)}`]) {
    expect((await keys.verify(token, nowMs)).ok).toBe(false);
  }
  expect(lookups).toBe(0);
});
