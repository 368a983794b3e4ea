import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Miniflare, V4WorkerOptions } from "miniflare";
import { bundle } from "../bundle.ts";
import type { Database } from "../migrations.ts";
import type { WorkerConfig } from "../worker-options.ts";
import type { Order } from "./order.ts";

const entry = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** Node's side of the operator Worker: orders go to it by fetch, so Node's thread is never blocked. */
export class Operator {
  readonly #secret = randomBytes(32).toString("hex");

  /** The Worker, which must come first of all: Miniflare's own port leads to the first. */
  async workerOptions(configs: readonly WorkerConfig[]): Promise<V4WorkerOptions> {
    const databases = configs.flatMap((config) => config.databases.map(({ id }) => [id, id] as const));
    const scheduled = configs.filter(({ crons }) => crons.length > 0).map(({ name }) => [name, name] as const);
    return {
      name: "breakwater-operator",
      compatibilityDate: "2026-11-01",
      compatibilityFlags: ["service_binding_extra_handlers"],
      bindings: { OPERATOR_SECRET: this.#secret },
      d1Databases: Object.fromEntries(databases),
      serviceBindings: Object.fromEntries(scheduled),
      modules: [{ type: "ESModule", path: "operator.js", contents: await bundle(entry) }],
    } as V4WorkerOptions;
  }

  /** The database of this id. */
  database(miniflare: Miniflare, id: string): Database {
    return {
      batch: (statements) =>
        this.#order(miniflare, { kind: "sql", database: id, statements }) as Promise<Record<string, unknown>[][]>,
    };
  }

  /** Rings a cron trigger. @throws Error when it does not end well */
  async ringCron(miniflare: Miniflare, worker: string, cron: string, scheduledMs: number): Promise<void> {
    await this.#order(miniflare, { kind: "cron", worker, cron, scheduledMs });
  }

  async #order(miniflare: Miniflare, order: Order): Promise<unknown> {
    const response = await miniflare.dispatchFetch("http://operator/", {
      method: "POST",
      headers: { authorization: this.#secret },
      body: JSON.stringify(order),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error((answer as { error?: string }).error ?? `status ${response.status}`);
    return answer;
  }
}
