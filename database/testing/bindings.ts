import { applyD1Migrations, type D1Migration, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { LocationHubRpc, RootHubRpc, TicketsRpc } from "../../contracts/rpc/hub.ts";

/** A namespace of one's own objects: their stubs can also be evicted. */
interface OwnNamespace<Rpc> {
  getByName(name: string): Rpc & DurableObjectStub;
}

/** What workers/control/vitest.config.ts binds. */
export interface Bindings {
  readonly DB: D1Database;
  readonly MIGRATIONS: D1Migration[];
  readonly LOCATION_HUB: OwnNamespace<LocationHubRpc>;
  readonly ROOT_HUB: OwnNamespace<RootHubRpc>;
  readonly SWITCHES: DurableObjectNamespace;
  readonly TICKETS: OwnNamespace<TicketsRpc>;
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
