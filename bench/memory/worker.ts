/**
 * The rate limiter's object alone, driven through its own interface, with every SQL statement's written rows counted.
 * bench/memory/measure.ts asks it over HTTP.
 */

import type { DecideBatch } from "../../contracts/rpc/rate-limiter.ts";
import { RateLimiter } from "../../durable-objects/rate-limiter/rate-limiter.ts";
import { limitName, limitValue, windowMs } from "../ratelimiter/loads.ts";

interface Env {
  readonly LIMITER: DurableObjectNamespace<CountedLimiter>;
}

/** The object with its written rows counted. */
export class CountedLimiter extends RateLimiter {
  readonly #written: { rows: number };

  constructor(ctx: DurableObjectState, env: unknown) {
    const { sql } = ctx.storage;
    const written = { rows: 0 };
    const exec = sql.exec.bind(sql);
    sql.exec = (query, ...bindings) => {
      const cursor = exec(query, ...bindings);
      written.rows += cursor.rowsWritten;
      return cursor as never;
    };
    super(ctx, env);
    this.#written = written;
  }

  /** Rows written since the object started, and the size of its database. */
  costs(): { rowsWritten: number; databaseSizeBytes: number } {
    return { rowsWritten: this.#written.rows, databaseSizeBytes: this.ctx.storage.sql.databaseSize };
  }
}

/** Ask for `/fill?from=&count=` (a check of each key), `/hot?count=` (that many checks of one key at once) or `/costs`. */
export default {
  async fetch(request, env): Promise<Response> {
    const url = new URL(request.url);
    const number = (name: string) => Number(url.searchParams.get(name));
    const limiter = env.LIMITER.getByName("measured");
    if (url.pathname === "/costs") {
      const costs = await limiter.costs();
      collectGarbage();
      return Response.json(costs);
    }
    const count = number("count");
    const keys =
      url.pathname === "/hot"
        ? Array.from({ length: count }, () => "hot")
        : Array.from({ length: count }, (_, at) => keyOf(number("from") + at));
    const answers = await limiter.decide(batchOf(keys));
    return Response.json({ allowed: answers.filter(([outcome]) => outcome === 1).length });
  },
} satisfies ExportedHandler<Env>;

/** V8's full collection, there under `--expose-gc`. */
function collectGarbage(): void {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("workerd runs without --expose-gc");
  gc();
}

/** Keys of one length: a user's id behind a prefix. */
function keyOf(at: number): string {
  return `user:${String(at).padStart(8, "0")}`;
}

function batchOf(keys: readonly string[]): DecideBatch {
  return {
    id: crypto.randomUUID(),
    limits: [[limitName, 1, { algorithm: "gcra", limit: limitValue, windowMs }]],
    requests: keys.map((key) => [0, [[0, key, 1, 0]]]),
  };
}
