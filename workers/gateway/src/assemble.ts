import { ControlDatabase } from "../../../database/control-database.ts";
import { Isolate } from "../../../isolate/isolate.ts";
import { RateLimits } from "../../../isolate/rate-limit/rate-limits.ts";
import { ApiKeys } from "./auth/api-keys.ts";
import { Authenticator } from "./auth/authenticator.ts";
import { KeySets } from "./auth/jwks.ts";
import { Jwts } from "./auth/jwt.ts";
import type { Bindings } from "./bindings.ts";
import { Log } from "./log.ts";
import type { Services } from "./services.ts";
import { readSettings } from "./settings.ts";

/** Makes what the requests of this isolate share. */
export function assemble(env: Bindings): Services {
  const { settings, warnings } = readSettings(env);
  const log = new Log(settings.logLevel);
  for (const warning of warnings) log.write("warn", warning);
  const isolate = Isolate.of(env);
  const { config, metrics } = isolate;
  const database = new ControlDatabase(env.DB);
  const limits = new RateLimits({
    namespace: env.RATE_LIMITER,
    shards: settings.shards,
    config,
    metrics,
    warn: (message, error) => log.write("warn", message, { error }),
  });
  const apiKeys = new ApiKeys({
    find: (id) => database.apiKeys.find(id),
    confirmedAgeMs: (nowMs) => config.confirmedAgeMs(nowMs),
    used: (id) => isolate.used(id),
  });
  isolate.onKeyChange((id) => apiKeys.forget(id));
  const keySets = new KeySets((input, init) => fetch(input, init));
  const jwts = new Jwts({
    issuers: () => config.issuers(),
    tenantId: (name) => config.tenantId(name),
    keySet: (url, nowMs, renew) => keySets.get(url, nowMs, renew),
  });
  const authenticator = new Authenticator({
    adminKey: settings.adminKey,
    apiKeys,
    jwts,
    tenantId: (name) => config.tenantId(name),
  });
  let colo: string | undefined;
  return {
    settings,
    log,
    isolate,
    database,
    limits,
    apiKeys,
    authenticator,
    requestDuration: metrics.histogram(
      "http.server.request.duration",
      ["http.request.method", "http.route", "http.response.status_code"],
      undefined,
      { unit: "s", help: "Duration of HTTP requests." },
    ),
    rootHub: env.ROOT_HUB,
    tickets: env.TICKETS,
    // An isolate serves one colo, and reading `cf` costs.
    location: (request) => {
      colo ??= typeof request.cf?.colo === "string" ? request.cf.colo : "local";
      return colo;
    },
  };
}
