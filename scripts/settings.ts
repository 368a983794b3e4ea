import { StartError } from "./platform/start-error.ts";

/** What `npm start` takes from the environment. */
export interface Settings {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  /** The variables that reach the workers. */
  readonly vars: Readonly<Record<string, string>>;
}

export const logLevels = ["debug", "info", "warn", "error"] as const;
/** An object is a file and a thread of work: more than this helps no tenant. */
const maxShards = 1024;
/** Here one thread runs all objects: each more splits the commits that one would make together, and is no faster. */
const defaultShards = "4";
/** Shortest administrator's key: 32 characters of hexadecimal are 128 bits. */
export const minAdminKeyLength = 32;
/** Longest: what fits a header with room to spare. */
const maxAdminKeyLength = 512;

/**
 * Reads the settings of `npm start`. A variable that is set to nothing counts as not set.
 *
 * @throws StartError for the first that is not valid.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const vars: Record<string, string> = {
    // Nobody in front of this process sets the header, so whoever sends it would choose his own address.
    TRUST_CF_CONNECTING_IP: flag("TRUST_CF_CONNECTING_IP", env.TRUST_CF_CONNECTING_IP || "false"),
    LOG_LEVEL: oneOf("LOG_LEVEL", env.LOG_LEVEL || "info", logLevels),
    RATE_LIMITER_SHARDS: String(
      wholeNumber("RATE_LIMITER_SHARDS", env.RATE_LIMITER_SHARDS || defaultShards, 1, maxShards),
    ),
  };
  if (env.ALLOWED_ORIGINS) vars.ALLOWED_ORIGINS = origins("ALLOWED_ORIGINS", env.ALLOWED_ORIGINS);
  if (env.PLATFORM_HOST) vars.PLATFORM_HOST = hostName("PLATFORM_HOST", env.PLATFORM_HOST);
  return {
    port: wholeNumber("PORT", env.PORT || "8787", 0, 65_535),
    host: env.HOST || "127.0.0.1",
    dataDir: env.DATA_DIR || ".data",
    vars,
  };
}

/** @returns `key`, which `source` has set. @throws StartError when it is too short or not fit for a header. */
export function expectAdminKey(key: string, source: string): string {
  if (key.length < minAdminKeyLength) {
    throw new StartError(`ADMIN_KEY in ${source} has ${key.length} characters: it needs ${minAdminKeyLength} or more`);
  }
  if (key.length > maxAdminKeyLength || !/^[\x21-\x7e]+$/.test(key)) {
    throw new StartError(
      `ADMIN_KEY in ${source} must be at most ${maxAdminKeyLength} printable ASCII characters without spaces`,
    );
  }
  return key;
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new StartError(`${name} is "${text}": it must be a whole number from ${min} to ${max}`);
}

function oneOf(name: string, text: string, allowed: readonly string[]): string {
  if (allowed.includes(text)) return text;
  throw new StartError(`${name} is "${text}": it must be one of ${allowed.join(", ")}`);
}

function flag(name: string, text: string): string {
  return oneOf(name, text, ["true", "false"]);
}

function origins(name: string, text: string): string {
  const list = text.split(",").map((origin) => origin.trim());
  const wrong = list.find((origin) => !/^https?:/.test(origin) || urlOf(origin)?.origin !== origin);
  if (wrong === undefined) return list.join(",");
  throw new StartError(
    `${name} is "${text}": it must be origins as browsers send them, such as https://app.example.com, with commas between them`,
  );
}

function hostName(variable: string, text: string): string {
  const name = text.toLowerCase();
  const url = urlOf(`http://${name}`);
  if (url?.host === name || url?.hostname === name) return name;
  throw new StartError(`${variable} is "${text}": it must be a host such as api.example.com, without scheme or path`);
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
