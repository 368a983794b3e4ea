import type { Level } from "./log.ts";

/** The plain variables of the gateway's environment (wrangler.toml, .dev.vars, secrets). */
export interface Variables {
  readonly ADMIN_KEY?: string;
  readonly ALLOWED_ORIGINS?: string;
  readonly LOG_LEVEL?: string;
  readonly PLATFORM_HOST?: string;
  readonly RATE_LIMITER_SHARDS?: string;
  readonly TRUST_CF_CONNECTING_IP?: string;
}

export interface Settings {
  /** Undefined when there is none, or one too short to be safe: then nobody is the first administrator. */
  readonly adminKey: string | undefined;
  /** Origins that browsers may call from; none by default. */
  readonly allowedOrigins: ReadonlySet<string>;
  readonly logLevel: Level;
  /** The host that alone serves the platform's own routes; undefined for every host. */
  readonly platformHost: string | undefined;
  readonly shards: number;
  /** Whether CF-Connecting-IP was set by Cloudflare's edge and not by the caller. */
  readonly trustsConnectingIp: boolean;
}

/** Shorter ones can be guessed. */
const minAdminKeyLength = 32;
const defaultShards = 16;
/** Object names are found by hash; more shards than this only spread a tenant thin. */
const maxShards = 1024;
const levels: readonly string[] = ["debug", "info", "warn", "error"] satisfies Level[];

/**
 * Reads the environment once. What cannot be used is replaced by its default and told in `warnings`, one sentence each:
 * a gateway that serves with a default beats one that serves nothing.
 */
export function readSettings(variables: Variables): { settings: Settings; warnings: string[] } {
  const warnings: string[] = [];
  const adminKey = variables.ADMIN_KEY || undefined;
  if (adminKey !== undefined && adminKey.length < minAdminKeyLength) {
    warnings.push(`ADMIN_KEY is ignored: it has fewer than ${minAdminKeyLength} characters.`);
  }
  const shards = Number(variables.RATE_LIMITER_SHARDS ?? defaultShards);
  const shardsFit = Number.isInteger(shards) && shards >= 1 && shards <= maxShards;
  if (!shardsFit)
    warnings.push(`RATE_LIMITER_SHARDS is not a whole number from 1 to ${maxShards}; using ${defaultShards}.`);
  const logLevel = variables.LOG_LEVEL || "info";
  if (!levels.includes(logLevel)) warnings.push(`LOG_LEVEL is not one of ${levels.join(", ")}; using info.`);
  return {
    settings: {
      adminKey: adminKey !== undefined && adminKey.length >= minAdminKeyLength ? adminKey : undefined,
      allowedOrigins: new Set(
        (variables.ALLOWED_ORIGINS ?? "")
          .split(",")
          .map((origin) => origin.trim())
          .filter(Boolean),
      ),
      logLevel: levels.includes(logLevel) ? (logLevel as Level) : "info",
      platformHost: variables.PLATFORM_HOST?.toLowerCase() || undefined,
      shards: shardsFit ? shards : defaultShards,
      trustsConnectingIp: variables.TRUST_CF_CONNECTING_IP === "true",
    },
    warnings,
  };
}
