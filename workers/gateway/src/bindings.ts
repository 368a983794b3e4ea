import type { LocationHubRpc, Namespace, RootHubRpc, TicketsRpc } from "../../../contracts/rpc/hub.ts";
import type { RateLimiterRpc } from "../../../contracts/rpc/rate-limiter.ts";
import type { Variables } from "./settings.ts";

/** What wrangler.toml gives the gateway. */
export interface Bindings extends Variables {
  readonly DB: D1Database;
  readonly RATE_LIMITER: Namespace<RateLimiterRpc>;
  readonly LOCATION_HUB: Namespace<LocationHubRpc>;
  readonly ROOT_HUB: Namespace<RootHubRpc>;
  readonly TICKETS: Namespace<TicketsRpc>;
}
