/**
 * What the rate limiter is measured against: the least that a Worker must do to count durably. It parses the same JSON,
 * sends what arrives while a call is under way as one call to the object, which writes one row a key and commits once,
 * and answers the same JSON. No credentials, schemas, policies, metrics, deadlines beyond the waiter's own.
 */
import { DurableObject } from "cloudflare:workers";

interface Env {
  readonly COUNTERS: DurableObjectNamespace<Counters>;
  /** As many objects as a tenant of Breakwater has. */
  readonly SHARDS: string;
}

interface Check {
  readonly limit: string;
  readonly key: string;
  readonly cost: number;
}

interface Count {
  used: number;
  windowEndsMs: number;
}

const limitValue = 1_000_000_000;
const windowMs = 60_000;
/** Without a timer of its own a request that waits for another's promise is cancelled by workerd's hang detector. */
const waitMs = 1_000;

/** Fixed-window counts, in memory and one row each. */
export class Counters extends DurableObject<Env> {
  readonly #counts = new Map<string, Count>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, used INTEGER, window_ends_ms INTEGER) WITHOUT ROWID",
    );
    for (const row of sql.exec<{ key: string; used: number; window_ends_ms: number }>("SELECT * FROM counts")) {
      this.#counts.set(row.key, { used: row.used, windowEndsMs: row.window_ends_ms });
    }
  }

  /** Decides `checks` in order; their rows are committed together before the answer leaves. */
  decide(checks: Check[]): { remaining: number[]; resetMs: number[] } {
    const nowMs = Date.now();
    const changed = new Map<string, Count>();
    const remaining: number[] = [];
    const resetMs: number[] = [];
    for (const { limit, key, cost } of checks) {
      const name = `${limit}\n${key}`;
      let count = this.#counts.get(name);
      if (count === undefined || count.windowEndsMs <= nowMs) {
        count = { used: 0, windowEndsMs: nowMs + windowMs };
        this.#counts.set(name, count);
      }
      const left = limitValue - count.used - cost;
      if (left >= 0) {
        count.used += cost;
        changed.set(name, count);
      }
      remaining.push(left);
      resetMs.push(count.windowEndsMs - nowMs);
    }
    for (const [name, { used, windowEndsMs }] of changed) {
      this.ctx.storage.sql.exec("INSERT OR REPLACE INTO counts VALUES (?, ?, ?)", name, used, windowEndsMs);
    }
    return { remaining, resetMs };
  }
}

interface Waiter {
  readonly check: Check;
  resolve(left: { remaining: number; resetMs: number }): void;
  reject(reason: unknown): void;
}

/** One shard's queue: while a call is under way, what arrives waits and leaves as the next call. */
class Batcher {
  #waiting: Waiter[] = [];
  #inFlight = false;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  decide(check: Check, env: Env, context: ExecutionContext): Promise<{ remaining: number; resetMs: number }> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the object did not answer")), waitMs);
      this.#waiting.push({
        check,
        resolve: (left) => {
          clearTimeout(timer);
          resolve(left);
        },
        reject: (reason) => {
          clearTimeout(timer);
          reject(reason);
        },
      });
      if (!this.#inFlight) context.waitUntil(this.#flush(env));
    });
  }

  async #flush(env: Env): Promise<void> {
    this.#inFlight = true;
    const counters = env.COUNTERS.getByName(this.#name);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const { remaining, resetMs } = await counters.decide(batch.map(({ check }) => check));
        batch.forEach((waiter, at) => {
          waiter.resolve({ remaining: remaining[at] ?? 0, resetMs: resetMs[at] ?? 0 });
        });
      } catch (reason) {
        for (const waiter of batch) waiter.reject(reason);
      }
    }
    this.#inFlight = false;
  }
}

const batchers: Batcher[] = [];

function batcherOf(key: string, shards: number): Batcher {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  const shard = (hash >>> 0) % shards;
  const known = batchers[shard];
  if (known) return known;
  const batcher = new Batcher(String(shard));
  batchers[shard] = batcher;
  return batcher;
}

export default {
  async fetch(request, env, context): Promise<Response> {
    if (request.method !== "POST" || !request.url.endsWith("/v1/limits/check"))
      return new Response(null, { status: 404 });
    const { checks } = await request.json<{ checks: Check[] }>();
    const shards = Number(env.SHARDS);
    const results = await Promise.all(
      checks.map(async (check) => {
        const { remaining, resetMs } = await batcherOf(check.key, shards).decide(check, env, context);
        const allowed = remaining >= 0;
        const { limit, key } = check;
        return {
          limit,
          key,
          allowed,
          limitValue,
          remaining: Math.max(0, remaining),
          resetMs,
          retryAfterMs: allowed ? 0 : resetMs,
          source: "object",
        };
      }),
    );
    const allowed = results.every((result) => result.allowed);
    return Response.json({ allowed, results }, { status: allowed ? 200 : 429 });
  },
} satisfies ExportedHandler<Env>;
