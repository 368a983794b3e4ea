import type { Namespace, RootHubRpc, TicketsRpc } from "../../../contracts/rpc/hub.ts";
import type { Histogram } from "../../../core/metrics/metrics.ts";
import type { ControlDatabase } from "../../../database/control-database.ts";
import type { Isolate } from "../../../isolate/isolate.ts";
import type { RateLimits } from "../../../isolate/rate-limit/rate-limits.ts";
import type { ApiKeys } from "./auth/api-keys.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import type { Log } from "./log.ts";
import type { Settings } from "./settings.ts";

/** What the requests of one isolate share. */
export interface Services {
  readonly settings: Settings;
  readonly log: Log;
  readonly isolate: Isolate;
  readonly database: ControlDatabase;
  readonly limits: RateLimits;
  readonly apiKeys: ApiKeys;
  readonly authenticator: Authenticator;
  readonly requestDuration: Histogram;
  readonly rootHub: Namespace<RootHubRpc>;
  readonly tickets: Namespace<TicketsRpc>;
  /** The colo that serves this isolate's requests, or "local". */
  location(request: Request): string;
}
