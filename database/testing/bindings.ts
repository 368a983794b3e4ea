import { applyD1Migrations, type D1Migration, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { LocationHub } from "../../durable-objects/hub/location-hub.ts";
import type { RootHub } from "../../durable-objects/hub/root-hub.ts";
import type { Tickets } from "../../durable-objects/tickets/tickets.ts";

/** What workers/control/vitest.config.ts binds. */
export interface Bindings {
  readonly DB: D1Database;
  readonly MIGRATIONS: D1Migration[];
  readonly LOCATION_HUB: DurableObjectNamespace<LocationHub>;
  readonly ROOT_HUB: DurableObjectNamespace<RootHub>;
  readonly SWITCHES: DurableObjectNamespace;
  readonly TICKETS: DurableObjectNamespace<Tickets>;
}

export const bindings = env as unknown as Bindings;

/** An empty platform: every object gone, and the database as a deployment makes it. */
export async function freshPlatform(): Promise<void> {
  await reset();
  await applyD1Migrations(bindings.DB, bindings.MIGRATIONS);
}

/** Runs a query and returns its rows. */
export async function query(sql: string, ...params: unknown[]): Promise<Record<string, unknown>[]> {
  const statement = bindings.DB.prepare(sql).bind(...params);
  return (await statement.all<Record<string, unknown>>()).results;
}
