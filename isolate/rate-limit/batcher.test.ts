import { describe, expect, test } from "vitest";
import {
  type DecideBatch,
  type DecideReply,
  Outcome,
  type RateLimiterRpc,
  Step,
} from "../../contracts/rpc/rate-limiter.ts";
import { Batcher, maxBatchChecks, type Question } from "./batcher.ts";

/** An object whose calls the test answers itself. */
class Held {
  readonly calls: { readonly batch: DecideBatch; answer(): void; fail(error: unknown): void }[] = [];

  readonly stub = (): RateLimiterRpc =>
    ({
      decide: (batch: DecideBatch) =>
        new Promise<DecideReply>((resolve, reject) => {
          this.calls.push({
            batch,
            // Every request is answered with the cost that it came with.
            answer: () =>
              resolve(
                batch.requests.map(([, checks]) => [Outcome.allowed, [[1, null, checks[0]?.[2] ?? null, null, 0]]]),
              ),
            fail: reject,
          });
        }),
    }) as unknown as RateLimiterRpc;

  async next(count: number): Promise<void> {
    while (this.calls.length < count) await wait(1);
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const limit = ["api", 1, { algorithm: "fixed-window", limit: 1, windowMs: 1 }] as const;
const question = (cost: number, checks = 1): Question => ({
  step: Step.each,
  checks: Array.from({ length: checks }, () => ({ limit, key: "k", cost, shadow: 0 as const })),
});
const silent = { called: () => undefined };
const soon = () => Date.now() + 1_000;
/** A request that lives. */
const alive = () => undefined;

describe("a batcher", () => {
  test("RL-20 sends the first at once, and what gathers meanwhile in one call", async () => {
    const object = new Held();
    const batcher = new Batcher(object.stub, silent);
    const first = batcher.ask(question(1), soon(), alive);
    expect(object.calls).toHaveLength(1);
    const others = [2, 3, 4].map((cost) => batcher.ask(question(cost), soon(), alive));
    expect(object.calls).toHaveLength(1);
    object.calls[0]?.answer();
    await object.next(2);
    expect(object.calls[1]?.batch.requests).toHaveLength(3);
    expect(object.calls[1]?.batch.limits).toHaveLength(1);
    object.calls[1]?.answer();
    const replies = await Promise.all([first, ...others]);
    expect(replies.map((reply) => "answer" in reply && reply.answer[1][0]?.[2])).toEqual([1, 2, 3, 4]);
  });

  test("does not let a slow call hold up the next ones for long", async () => {
    const object = new Held();
    const batcher = new Batcher(object.stub, silent);
    void batcher.ask(question(1), soon(), alive);
    const startMs = performance.now();
    const second = batcher.ask(question(2), soon(), alive);
    await object.next(2);
    expect(performance.now() - startMs).toBeLessThan(100);
    object.calls[1]?.answer();
    expect(await second).toHaveProperty("answer.0", Outcome.allowed);
  });

  test("bounds a call, and the calls in flight", async () => {
    const object = new Held();
    const batcher = new Batcher(object.stub, silent);
    const replies = Array.from({ length: 50 }, (_, index) =>
      batcher.ask(question(index, maxBatchChecks), Date.now() + 60, alive),
    );
    const settled = await Promise.all(replies);
    expect(object.calls.length).toBeLessThanOrEqual(32);
    for (const { batch } of object.calls) {
      expect(batch.requests.flatMap(([, checks]) => checks).length).toBeLessThanOrEqual(maxBatchChecks);
    }
    expect(
      settled.filter((reply) => "unanswered" in reply && reply.unanswered === "overloaded").length,
    ).toBeGreaterThan(0);
  });

  test("RL-15 gives up at the deadline, and never asks twice what was sent", async () => {
    const object = new Held();
    const batcher = new Batcher(object.stub, silent);
    expect(await batcher.ask(question(1), Date.now() + 60, alive)).toEqual({ unanswered: "deadline" });
    expect(object.calls).toHaveLength(1);
    expect(await batcher.ask(question(1), Date.now(), alive)).toEqual({ unanswered: "deadline" });
  });

  test("answers the others when the sender of their batch is torn down before it has sent", async () => {
    const object = new Held();
    const batcher = new Batcher(object.stub, silent);
    void batcher.ask(question(1), soon(), alive);
    // The second opens the next batch, and its request is torn down: its timers never ring.
    const { setTimeout: realSetTimeout } = globalThis;
    globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
    void batcher.ask(question(2), soon(), alive);
    globalThis.setTimeout = realSetTimeout;
    const joined = batcher.ask(question(3), soon(), alive);
    await object.next(2);
    object.calls[1]?.answer();
    expect(await joined).toHaveProperty("answer.1.0.2", 3);
    // Who comes later is not caught in the lost batch either.
    const later = batcher.ask(question(4), soon(), alive);
    await wait(50);
    for (const call of object.calls) call.answer();
    expect(await later).toHaveProperty("answer.1.0.2", 4);
    const costs = object.calls.flatMap(({ batch }) => batch.requests.map(([, checks]) => checks[0]?.[2]));
    expect(costs.filter((cost) => cost === 3)).toHaveLength(1);
  });

  test("repeats a retryable call once under the same id, and no other", async () => {
    const object = new Held();
    const batcher = new Batcher(object.stub, silent);
    const retried = batcher.ask(question(1), soon(), alive);
    object.calls[0]?.fail(Object.assign(new Error(), { retryable: true }));
    await object.next(2);
    expect(object.calls[1]?.batch).toEqual(object.calls[0]?.batch);
    object.calls[1]?.fail(Object.assign(new Error(), { retryable: true }));
    expect(await retried).toEqual({ unanswered: "failed" });

    const shed = batcher.ask(question(1), soon(), alive);
    await object.next(3);
    object.calls[2]?.fail(Object.assign(new Error(), { retryable: true, overloaded: true }));
    expect(await shed).toEqual({ unanswered: "overloaded" });
    expect(object.calls).toHaveLength(3);
    expect(object.calls[2]?.batch.id).not.toBe(object.calls[0]?.batch.id);
  });
});
