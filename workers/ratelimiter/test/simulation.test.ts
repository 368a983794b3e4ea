import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CheckItem } from "../../../contracts/limits.ts";
import { Client, failWith } from "./client.ts";
import { evict, holdClock, pass } from "./objects.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

const limit = 6;
const windowMs = 6_000;
const burst = 4;
const keyCount = 4;

/** What happens to one call of an object. */
const mishaps = [
  "none",
  "none",
  "none",
  "lost",
  "answer lost",
  "retryable",
  "evicted before",
  "evicted after",
] as const;
type Mishap = (typeof mishaps)[number];

const step = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_500 })),
  /** Which keys are checked together, by place, and at what cost. */
  checks: fc.uniqueArray(
    fc.record({ key: fc.integer({ min: 0, max: keyCount - 1 }), cost: fc.integer({ min: 1, max: 3 }) }),
    { minLength: 1, maxLength: 3, selector: ({ key }) => key },
  ),
  /** Requests with the same number are repetitions of each other. */
  idempotencyKey: fc.option(fc.integer({ min: 0, max: 2 }), { freq: 2, nil: null }),
  /** Whether the next step does not wait for this one. */
  overlaps: fc.boolean(),
  mishaps: fc.array(fc.constantFrom(...mishaps), { maxLength: 8 }),
});

interface Admission {
  readonly atMs: number;
  readonly cost: number;
}

/** The most that was admitted over the bound in any span, which must not be above 0. */
function overBound(admissions: readonly Admission[]): number {
  let worst = 0;
  for (const [first, { atMs: fromMs }] of admissions.entries()) {
    let sum = 0;
    for (const { atMs, cost } of admissions.slice(first)) {
      sum += cost;
      worst = Math.max(worst, sum - (burst + ((atMs - fromMs) * limit) / windowMs));
    }
  }
  return worst;
}

test("RL-1 RL-10 RL-12 ID-1 whatever is lost, late, repeated or evicted, no key is admitted more than B + R·T", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
      const client = new Client();
      // Refuses what the object does not decide, so that every admission is an object's.
      client.put("api", { algorithm: "gcra", limit, windowMs, burst, failMode: "closed" });
      const keys = client.spreadKeys(keyCount);
      let queue: Mishap[] = [];
      client.fault = ({ shard }) => {
        const away = () => evict(client.object(shard)).catch(() => undefined);
        switch (queue.shift()) {
          case "lost":
            return { before: failWith({}) };
          case "answer lost":
            return { after: failWith({}) };
          case "retryable":
            return { after: failWith({ retryable: true }) };
          case "evicted before":
            return { before: away };
          case "evicted after":
            return { after: () => away().then(failWith({})) };
          default:
            return undefined;
        }
      };
      const admitted = new Map<string, Admission[]>();
      const answers = new Map<string, string>();
      let running: Promise<void>[] = [];
      for (const { afterMs, checks, idempotencyKey, overlaps, mishaps } of steps) {
        // The clock stands still while anything runs, so that each decision is made at the time that is recorded.
        if (running.length === 0) pass(afterMs);
        queue = [...mishaps];
        const items = checks.map(({ key, cost }): CheckItem => ({ limit: "api", key: keys[key] as string, cost }));
        const bodyHash = JSON.stringify(items);
        const idempotency =
          idempotencyKey === null ? undefined : { key: `${idempotencyKey} ${bodyHash}`, route: "check", bodyHash };
        const atMs = Date.now();
        const done = client.limits.check(client.call(idempotency && { idempotency }), items).then((result) => {
          if (!result.ok || !result.value.allowed) return;
          const answer = JSON.stringify(result.value);
          if (idempotency !== undefined && answers.has(idempotency.key)) {
            // A repetition charges nothing and says what the first one said.
            expect(answer).toBe(answers.get(idempotency.key));
            return;
          }
          if (idempotency !== undefined) answers.set(idempotency.key, answer);
          for (const { key, cost } of items) {
            const list = admitted.get(key) ?? [];
            list.push({ atMs, cost });
            admitted.set(key, list);
          }
        });
        running.push(done);
        if (overlaps) continue;
        await Promise.all(running);
        running = [];
      }
      await Promise.all(running);
      queue = [];
      await client.settled();
      for (const [key, admissions] of admitted) {
        const inOrder = admissions.toSorted((a, b) => a.atMs - b.atMs);
        expect(overBound(inOrder), `${key}: ${JSON.stringify(inOrder)}`).toBeLessThanOrEqual(0);
      }
    }),
    { numRuns: 30 },
  );
}, 120_000);
