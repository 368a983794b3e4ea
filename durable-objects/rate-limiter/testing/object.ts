import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import {
  type DecideReply,
  type LimitNumbers,
  Outcome,
  type Part,
  type RateLimiterRpc,
  Step,
  type Target,
  type WireCheck,
  type WireLimit,
  type WireRequest,
} from "../../../contracts/rpc/rate-limiter.ts";
import type { RateLimiter } from "../rate-limiter.ts";

/** Ahead of the real clock, so that no alarm set under it fires by itself. */
export const startMs = Date.UTC(2040, 0, 1);

/** Holds `Date` still; timers keep running. */
export function holdClock(atMs = startMs): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(atMs);
}

export function setClock(atMs: number): void {
  vi.setSystemTime(atMs);
}

export function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

let objects = 0;

/** A stub as its callers see it: the generated types of stubs lose the tuples. */
export type Limiter = RateLimiterRpc;

/** The namespace under test. */
export const limiters = (env as unknown as { RATE_LIMITER: { getByName(name: string): Limiter } }).RATE_LIMITER;

/** An object of its own for each test. */
export function newLimiter(name = `limiter ${objects++} ${Math.random()}`): Limiter {
  return limiters.getByName(name);
}

function stubOf(limiter: Limiter): DurableObjectStub<RateLimiter> {
  return limiter as unknown as DurableObjectStub<RateLimiter>;
}

export function evict(limiter: Limiter): Promise<void> {
  return evictDurableObject(stubOf(limiter));
}

/** Runs the alarm now; false when none was set. */
export function runAlarm(limiter: Limiter): Promise<boolean> {
  return runDurableObjectAlarm(stubOf(limiter));
}

export function inside<T>(
  limiter: Limiter,
  look: (object: RateLimiter, state: DurableObjectState) => T | Promise<T>,
): Promise<T> {
  return runInDurableObject(stubOf(limiter), look);
}

/** The rows of a table, as the object has them on disk. */
export function rowsOf(limiter: Limiter, table: string): Promise<Record<string, SqlStorageValue>[]> {
  return inside(limiter, (_object, state) => state.storage.sql.exec(`SELECT * FROM ${table}`).toArray());
}

export const gcra = (limit: number, windowMs = 60_000, burst = limit): LimitNumbers => ({
  algorithm: "gcra",
  limit,
  windowMs,
  burst,
});

export const api = (numbers: LimitNumbers = gcra(10), version = 1, name = "api"): WireLimit => [name, version, numbers];

export const target = (key: string, limit: WireLimit = api()): Target => ({ limit, key });

let batches = 0;

/** Sends one request alone, and gives its answer. */
export async function ask(
  limiter: Pick<Limiter, "decide">,
  limits: readonly WireLimit[],
  step: Step,
  checks: readonly WireCheck[],
  part?: Part,
): Promise<DecideReply[number]> {
  const request: WireRequest = part === undefined ? [step, checks] : [step, checks, part];
  const reply = await limiter.decide({ id: `batch ${batches++}`, limits, requests: [request] });
  return reply[0] as DecideReply[number];
}

/** Checks one key of one limit: whether it passed, and when to come back. */
export async function spend(
  limiter: Pick<Limiter, "decide">,
  key: string,
  cost = 1,
  limit: WireLimit = api(),
): Promise<{ allowed: boolean; remaining: number | null; retryAfterMs: number | null }> {
  const [outcome, verdicts] = await ask(limiter, [limit], Step.check, [[0, key, cost, 0]]);
  const [, , remaining = null, , retryAfterMs = null] = verdicts[0] ?? [];
  return { allowed: outcome === Outcome.allowed, remaining, retryAfterMs };
}

/** Runs `work` in the object and says how many rows SQLite wrote meanwhile, as it is billed. */
export function rowsWritten(limiter: Limiter, work: (object: RateLimiter) => Promise<unknown>): Promise<number> {
  return inside(limiter, async (object, state) => {
    const { sql } = state.storage;
    const { exec } = sql;
    const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
    const spy = vi.spyOn(sql, "exec").mockImplementation((...args) => {
      const cursor = exec.apply(sql, args);
      cursors.push(cursor);
      return cursor as never;
    });
    await work(object);
    spy.mockRestore();
    return cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0);
  });
}
