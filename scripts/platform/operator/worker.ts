import type { Order } from "./order.ts";

/**
 * The operator: a Worker that only the local platform has. It does for Node what Cloudflare does when deployed: applies D1's
 * migrations and rings cron triggers. Miniflare's own proxies would do it too, but they block Node's thread until workerd
 * answers, and a workerd that waits for Node to read its log would wait for ever.
 */

interface Env {
  /** Miniflare's own port is open to this machine; what it does here is for the process that started it. */
  readonly OPERATOR_SECRET: string;
  readonly [binding: string]: unknown;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (request.headers.get("authorization") !== env.OPERATOR_SECRET) return new Response(null, { status: 404 });
    const order = await request.json<Order>();
    try {
      return Response.json(order.kind === "sql" ? await runSql(env, order) : await ringCron(env, order));
    } catch (error) {
      return Response.json({ error: error instanceof Error ? error.message : String(error) }, { status: 500 });
    }
  },
};

async function runSql(env: Env, { database, statements }: Extract<Order, { kind: "sql" }>): Promise<unknown> {
  const d1 = env[database] as D1Database;
  const results = await d1.batch(statements.map(({ sql, params }) => d1.prepare(sql).bind(...params)));
  return results.map(({ results: rows }) => rows);
}

async function ringCron(env: Env, { worker, cron, scheduledMs }: Extract<Order, { kind: "cron" }>): Promise<unknown> {
  const { outcome } = await (env[worker] as Fetcher).scheduled({ cron, scheduledTime: new Date(scheduledMs) });
  if (outcome !== "ok") throw new Error(`the cron trigger "${cron}" of ${worker} ended with "${outcome}"`);
  return outcome;
}
