import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LimitNumbers, WireLimit } from "../../contracts/rpc/rate-limiter.ts";
import { api, evict, gcra, holdClock, newLimiter, pass, rowsOf, runAlarm, spend, target } from "./testing/object.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

const hour = 3_600_000;
const fixed: WireLimit = ["windows", 1, { algorithm: "fixed-window", limit: 10, windowMs: hour }];
const jobs = (limit = 2, ttlMs = 60_000, version = 1): WireLimit => [
  "jobs",
  version,
  { algorithm: "concurrency", limit, ttlMs } satisfies LimitNumbers,
];

describe("refund", () => {
  test("RL-16 gives back what was spent and never more than an unused key holds", async () => {
    const limiter = newLimiter();
    await spend(limiter, "k", 4);
    expect(await limiter.refund(target("k"), 3)).toMatchObject({ value: { remaining: 9 } });
    expect(await limiter.refund(target("k"), 100)).toMatchObject({ value: { remaining: 10, resetMs: 0 } });
    expect(await spend(limiter, "k", 11)).toMatchObject({ allowed: false });
    await evict(limiter);
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 10 } });
  });

  test("is refused for permits", async () => {
    expect(await newLimiter().refund(target("k", jobs()), 1)).toMatchObject({
      refusal: { code: "limit_not_refundable" },
    });
  });
});

describe("a reservation", () => {
  test("RL-17 charges at once, gives back the rest, and settles once, also after an eviction", async () => {
    const limiter = newLimiter();
    expect(await limiter.reserve(target("k"), { id: "rsv_0_a", cost: 8, ttlMs: 1_000 })).toMatchObject({
      value: { reservation: "rsv_0_a", remaining: 2, expiresMs: Date.now() + 1_000 },
    });
    expect(await spend(limiter, "k", 3)).toMatchObject({ allowed: false });
    await evict(limiter);
    expect(await limiter.settle("rsv_0_a", 5)).toEqual({ ok: true, value: { reserved: 8, charged: 5, uncharged: 0 } });
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 5 } });
    await evict(limiter);
    expect(await limiter.settle("rsv_0_a", 5)).toMatchObject({ refusal: { code: "reservation_not_found" } });
  });

  test("RL-17 a real cost over the reserved is charged as far as it fits, and the rest is said", async () => {
    const limiter = newLimiter();
    await limiter.reserve(target("k"), { id: "rsv_0_b", cost: 4, ttlMs: 1_000 });
    await spend(limiter, "k", 3);
    expect(await limiter.settle("rsv_0_b", 9)).toMatchObject({ value: { reserved: 4, charged: 7, uncharged: 2 } });
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 0 } });
  });

  test("RL-17 unsettled at its end it stays charged", async () => {
    const limiter = newLimiter();
    await limiter.reserve(target("k", fixed), { id: "rsv_0_c", cost: 4, ttlMs: 1_000 });
    pass(1_000);
    expect(await limiter.settle("rsv_0_c", 0)).toMatchObject({ refusal: { code: "reservation_not_found" } });
    expect(await limiter.peek(target("k", fixed))).toMatchObject({ value: { remaining: 6 } });
    await runAlarm(limiter);
    expect(await rowsOf(limiter, "reservations")).toHaveLength(0);
  });

  test("RL-2 what was reserved in one window is not given back to the next", async () => {
    const limiter = newLimiter();
    pass(hour - 1);
    await limiter.reserve(target("k", fixed), { id: "rsv_0_d", cost: 8, ttlMs: 10_000 });
    pass(1);
    await spend(limiter, "k", 10, fixed);
    expect(await limiter.settle("rsv_0_d", 0)).toMatchObject({ ok: true });
    expect(await limiter.peek(target("k", fixed))).toMatchObject({ value: { remaining: 0 } });
  });

  test("that does not fit is refused with when it would; one that never can without", async () => {
    const limiter = newLimiter();
    await spend(limiter, "k", 10);
    const command = { id: "rsv_0_e", cost: 5, ttlMs: 1_000 };
    expect(await limiter.reserve(target("k"), command)).toMatchObject({
      refusal: { code: "quota_exceeded", retryAfterMs: 30_000 },
    });
    const never = await limiter.reserve(target("k"), { ...command, cost: 11 });
    expect(never.ok || never.refusal.retryAfterMs).toBeUndefined();
    expect(await limiter.reserve(target("k", jobs()), command)).toMatchObject({
      refusal: { code: "limit_needs_acquire" },
    });
  });

  test("a repeated call reserves once", async () => {
    const limiter = newLimiter();
    const command = { id: "rsv_0_f", cost: 3, ttlMs: 1_000 };
    await limiter.reserve(target("k"), command);
    expect(await limiter.reserve(target("k"), command)).toMatchObject({ ok: true });
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 7 } });
  });
});

describe("a ban", () => {
  test("RL-19 refuses until it ends whatever is left, and outlives an eviction and a reset", async () => {
    const limiter = newLimiter();
    expect(await limiter.ban(target("k"), 5_000)).toMatchObject({
      value: { remaining: 0, retryAfterMs: 5_000, bannedMs: 5_000 },
    });
    await evict(limiter);
    await limiter.reset(target("k"));
    expect(await spend(limiter, "k")).toMatchObject({ allowed: false, retryAfterMs: 5_000 });
    pass(4_999);
    expect(await spend(limiter, "k")).toMatchObject({ allowed: false, retryAfterMs: 1 });
    pass(1);
    expect(await spend(limiter, "k")).toMatchObject({ allowed: true });
  });

  test("RL-19 is not collected before it ends", async () => {
    const limiter = newLimiter();
    await limiter.ban(target("k"), 2 * hour);
    pass(hour);
    await runAlarm(limiter);
    await evict(limiter);
    expect(await spend(limiter, "k")).toMatchObject({ allowed: false });
  });

  test("is ended by unban, and holds for permits and for keys without a limit too", async () => {
    const limiter = newLimiter();
    await limiter.ban(target("k"), hour);
    await limiter.unban(target("k"));
    expect(await spend(limiter, "k")).toMatchObject({ allowed: true });

    await limiter.ban(target("k", jobs()), hour);
    await evict(limiter);
    expect(await limiter.acquire(target("k", jobs()), { id: "p" })).toMatchObject({
      refusal: { code: "permits_exhausted", retryAfterMs: hour },
    });
    await limiter.setOverride({ limit: api(), name: "api", key: "free", override: { unlimited: true }, version: 2 });
    await limiter.ban(target("free"), hour);
    await evict(limiter);
    expect(await spend(limiter, "free")).toMatchObject({ allowed: false, retryAfterMs: hour });
  });
});

describe("a permit", () => {
  test("RL-5 is one of at most N, until it is released or its time is over", async () => {
    const limiter = newLimiter();
    const at = target("k", jobs());
    expect(await limiter.acquire(at, { id: "prm_a" })).toMatchObject({ value: { limitValue: 2, remaining: 1 } });
    pass(1_000);
    await limiter.acquire(at, { id: "prm_b", ttlMs: 5_000 });
    expect(await limiter.acquire(at, { id: "prm_c" })).toMatchObject({
      refusal: { code: "permits_exhausted", retryAfterMs: 5_000 },
    });
    await evict(limiter);
    pass(4_999);
    expect(await limiter.acquire(at, { id: "prm_c" })).toMatchObject({ ok: false });
    pass(1);
    expect(await limiter.acquire(at, { id: "prm_c" })).toMatchObject({ ok: true });
    expect(await limiter.release("prm_a")).toMatchObject({ ok: true });
    expect(await limiter.release("prm_a")).toMatchObject({ refusal: { code: "permit_not_found" } });
    expect(await limiter.release("prm_b")).toMatchObject({ refusal: { code: "permit_not_found" } });
    expect(await limiter.acquire(at, { id: "prm_d" })).toMatchObject({ value: { remaining: 0 } });
  });

  test("RL-5 lives on when renewed, across an eviction", async () => {
    const limiter = newLimiter();
    const at = target("k", jobs(1, 10_000));
    await limiter.acquire(at, { id: "prm_a" });
    pass(9_999);
    expect(await limiter.renew("prm_a", undefined)).toMatchObject({ value: { expiresMs: Date.now() + 10_000 } });
    await evict(limiter);
    pass(9_999);
    expect(await limiter.acquire(at, { id: "prm_b" })).toMatchObject({ ok: false });
    pass(1);
    expect(await limiter.renew("prm_a", 1_000)).toMatchObject({ refusal: { code: "permit_not_found" } });
    expect(await limiter.acquire(at, { id: "prm_b" })).toMatchObject({ ok: true });
  });

  test("RL-5 a clock that jumps back frees no slot twice", async () => {
    const limiter = newLimiter();
    const at = target("k", jobs(1, 10_000));
    await limiter.acquire(at, { id: "prm_a" });
    pass(-5_000);
    expect(await limiter.acquire(at, { id: "prm_b" })).toMatchObject({ refusal: { retryAfterMs: 15_000 } });
  });

  test("RL-14 an override and a newer version change how many there are", async () => {
    const limiter = newLimiter();
    await limiter.acquire(target("k", jobs()), { id: "a" });
    expect(await limiter.acquire(target("k", jobs(1, 60_000, 3)), { id: "b" })).toMatchObject({ ok: false });
    const override = { limit: jobs(1, 60_000, 3), name: "jobs", key: "k", override: { limit: 3 }, version: 4 };
    await limiter.setOverride(override);
    expect(await limiter.acquire(target("k", jobs()), { id: "b" })).toMatchObject({ value: { remaining: 1 } });
    await limiter.setOverride({ ...override, override: { unlimited: true }, version: 5 });
    expect(await limiter.acquire(target("k", jobs()), { id: "c" })).toMatchObject({
      value: { limitValue: null, remaining: null },
    });
  });

  test("what a key stands at says its permits; a reset frees them", async () => {
    const limiter = newLimiter();
    const at = target("k", jobs());
    await limiter.acquire(at, { id: "a" });
    await limiter.acquire(at, { id: "b" });
    expect(await limiter.peek(at)).toEqual({
      ok: true,
      value: { limitValue: 2, remaining: 0, resetMs: 60_000, retryAfterMs: 60_000 },
    });
    expect(await limiter.reset(at)).toMatchObject({ value: { remaining: 2, resetMs: 0, retryAfterMs: 0 } });
    await evict(limiter);
    expect(await limiter.release("a")).toMatchObject({ refusal: { code: "permit_not_found" } });
  });

  test("comes only from a limit of concurrency", async () => {
    expect(await newLimiter().acquire(target("k"), { id: "a" })).toMatchObject({
      refusal: { code: "limit_not_concurrency" },
    });
  });
});

describe("an override", () => {
  const put = (override: { limit: number; burst?: number } | { unlimited: true } | null, version: number) => ({
    limit: api(),
    name: "api",
    key: "vip",
    override,
    version,
  });

  test("CP-8 RL-14 is in force at once for its key alone, keeps what was spent, and outlives an eviction", async () => {
    const limiter = newLimiter();
    await spend(limiter, "vip", 10);
    await limiter.setOverride(put({ limit: 100 }, 7));
    await evict(limiter);
    expect(await spend(limiter, "vip", 80)).toMatchObject({ allowed: true, remaining: 10 });
    expect(await spend(limiter, "other", 11)).toMatchObject({ allowed: false });
  });

  test("CP-4 an older version or a repeated delivery changes nothing, also after a removal", async () => {
    const limiter = newLimiter();
    await limiter.setOverride(put({ limit: 100 }, 7));
    await limiter.setOverride(put({ limit: 20 }, 6));
    expect(await limiter.peek(target("vip"))).toMatchObject({ value: { limitValue: 100 } });
    await limiter.setOverride(put(null, 8));
    await evict(limiter);
    await limiter.setOverride(put({ limit: 100 }, 7));
    expect(await limiter.peek(target("vip"))).toMatchObject({ value: { limitValue: 10 } });
  });

  test("RL-14 holds over newer versions of its limit, and a limit's window over it", async () => {
    const limiter = newLimiter();
    await limiter.setOverride(put({ limit: 100 }, 7));
    expect(await spend(limiter, "vip", 50, api(gcra(5, 1_000), 9))).toMatchObject({ allowed: true, remaining: 50 });
    pass(500);
    expect(await limiter.peek(target("vip"))).toMatchObject({ value: { remaining: 100 } });
    expect(await spend(limiter, "other", 6)).toMatchObject({ allowed: false });
  });

  test("unlimited admits everything and writes nothing", async () => {
    const limiter = newLimiter();
    await limiter.setOverride(put({ unlimited: true }, 7));
    expect(await spend(limiter, "vip", 1_000_000)).toEqual({ allowed: true, remaining: null, retryAfterMs: 0 });
    expect(await rowsOf(limiter, "keys")).toHaveLength(0);
  });

  test("can be removed when its limit is gone; the tombstone is collected after a day", async () => {
    const limiter = newLimiter();
    await limiter.setOverride(put({ limit: 100 }, 7));
    const { limit: _limit, ...without } = put(null, 8);
    expect(await limiter.setOverride(without)).toEqual({ ok: true, value: null });
    expect(await newLimiter().setOverride(without)).toEqual({ ok: true, value: null });
    await runAlarm(limiter);
    expect(await rowsOf(limiter, "overrides")).toHaveLength(1);
    pass(24 * hour);
    await runAlarm(limiter);
    expect(await rowsOf(limiter, "overrides")).toHaveLength(0);
  });
});

test("a reset makes a key as if never used", async () => {
  const limiter = newLimiter();
  await spend(limiter, "k", 10);
  expect(await limiter.reset(target("k"))).toMatchObject({ value: { remaining: 10, resetMs: 0 } });
  await evict(limiter);
  expect(await spend(limiter, "k", 10)).toMatchObject({ allowed: true });
});

test("peeking changes nothing and writes nothing", async () => {
  const limiter = newLimiter();
  expect(await limiter.peek(target("k"))).toEqual({
    ok: true,
    value: { limitValue: 10, remaining: 10, resetMs: 0, retryAfterMs: 0 },
  });
  expect(await rowsOf(limiter, "keys")).toHaveLength(0);
});
