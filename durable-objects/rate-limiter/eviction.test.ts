import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type LimitNumbers, Step, type WireCheck, type WireLimit } from "../../contracts/rpc/rate-limiter.ts";
import {
  api,
  ask,
  evict,
  holdClock,
  type Limiter,
  newLimiter,
  runAlarm,
  setClock,
  startMs,
  target,
} from "./testing/object.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

const policies: readonly LimitNumbers[] = [
  { algorithm: "gcra", limit: 7, windowMs: 1_000, burst: 5 },
  { algorithm: "token-bucket", limit: 3, windowMs: 700, burst: 9 },
  { algorithm: "fixed-window", limit: 6, windowMs: 900 },
  { algorithm: "sliding-window", limit: 6, windowMs: 900 },
  { algorithm: "sliding-log", limit: 6, windowMs: 900 },
  { algorithm: "quota", limit: 9, calendar: { unit: "minute", timeZone: "UTC" } },
];

type Operation =
  | { readonly kind: "check"; readonly checks: readonly { limit: number; key: string; cost: number }[] }
  | { readonly kind: "refund" | "reserve"; readonly limit: number; readonly key: string; readonly cost: number }
  | { readonly kind: "settle"; readonly cost: number }
  | { readonly kind: "ban" | "reset" | "peek"; readonly limit: number; readonly key: string }
  | { readonly kind: "acquire" }
  | { readonly kind: "release" }
  | { readonly kind: "resize"; readonly limit: number; readonly policy: number }
  | { readonly kind: "override"; readonly limit: number; readonly key: string; readonly to: number | null };

const limit = fc.integer({ min: 0, max: policies.length - 1 });
const key = fc.constantFrom("a", "b");
const cost = fc.integer({ min: 1, max: 6 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("check" as const),
      checks: fc.uniqueArray(fc.record({ limit, key, cost }), {
        minLength: 1,
        maxLength: 3,
        selector: (each) => `${each.limit} ${each.key}`,
      }),
    }),
  },
  fc.record({ kind: fc.constantFrom("refund" as const, "reserve" as const), limit, key, cost }),
  fc.record({ kind: fc.constant("settle" as const), cost: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ kind: fc.constantFrom("ban" as const, "reset" as const, "peek" as const), limit, key }),
  fc.record({ kind: fc.constantFrom("acquire" as const, "release" as const) }),
  fc.record({ kind: fc.constant("resize" as const), limit, policy: limit }),
  fc.record({
    kind: fc.constant("override" as const),
    limit,
    key,
    to: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null }),
  }),
);
/** What happens, how long after the one before, and what happens to the object in between. */
const step = fc.record({
  operation,
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 }), fc.constant(3_000)),
  meanwhile: fc.constantFrom("nothing", "nothing", "evicted", "collected"),
});

/** Carries out operations against one object, with a configuration that it changes itself. */
class Run {
  readonly #limiter: Limiter;
  readonly #limits: WireLimit[] = policies.map((numbers, index) => api(numbers, 1, `limit ${index}`));
  #version = 1;
  #ids = 0;

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
  }

  async do(each: Operation): Promise<unknown> {
    const limiter = this.#limiter;
    switch (each.kind) {
      case "check": {
        const checks = each.checks.map(({ limit, key, cost }): WireCheck => [limit, key, cost, 0]);
        return ask(limiter, this.#limits, Step.check, checks);
      }
      case "refund":
        return limiter.refund(this.#target(each), each.cost);
      case "reserve":
        return limiter.reserve(this.#target(each), { id: `rsv_0_${++this.#ids}`, cost: each.cost, ttlMs: 500 });
      case "settle":
        return limiter.settle(`rsv_0_${this.#ids}`, each.cost);
      case "ban":
        return limiter.ban(this.#target(each), 300);
      case "reset":
        return limiter.reset(this.#target(each));
      case "peek":
        return limiter.peek(this.#target(each));
      case "acquire":
        return limiter.acquire(target("k", api({ algorithm: "concurrency", limit: 2, ttlMs: 500 }, 1, "jobs")), {
          id: `prm_0_${++this.#ids}`,
        });
      case "release":
        return limiter.release(`prm_0_${this.#ids}`);
      case "resize": {
        const [name] = this.#limits[each.limit] as WireLimit;
        this.#limits[each.limit] = [name, ++this.#version, policies[each.policy] as LimitNumbers];
        return undefined;
      }
      case "override": {
        const limit = this.#limits[each.limit] as WireLimit;
        const override = each.to === null ? null : { limit: each.to };
        return limiter.setOverride({ limit, name: limit[0], key: each.key, override, version: ++this.#version });
      }
    }
  }

  #target(each: { limit: number; key: string }) {
    return target(each.key, this.#limits[each.limit] as WireLimit);
  }
}

test("RL-11 RL-12 an object that is evicted or collected between any two calls answers as one that never was", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const disturbed = newLimiter();
      const calm = new Run(newLimiter());
      const run = new Run(disturbed);
      let nowMs = startMs;
      for (const [index, { operation, afterMs, meanwhile }] of steps.entries()) {
        nowMs += afterMs;
        setClock(nowMs);
        if (meanwhile === "evicted") {
          // Only what runs can be evicted.
          await disturbed.peek(target("any"));
          await evict(disturbed);
        }
        if (meanwhile === "collected") await runAlarm(disturbed);
        expect(await run.do(operation), `step ${index}`).toEqual(await calm.do(operation));
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
