import type { Principal, Scope } from "../../../../contracts/access.ts";
import { ok, type Result, refuse } from "../../../../contracts/result.ts";
import { maxUnconfirmedMs } from "../../../../core/config/pulse-schedule.ts";
import { hashSecret, parseKey } from "../../../../database/key-secret.ts";
import { equalConstantTime } from "./constant-time.ts";
import { Lru } from "./lru.ts";

/** An API key as the database keeps it; of its secrets only the hashes. */
export interface KeyRecord {
  readonly id: string;
  readonly tenantId: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  readonly secretHash: string;
  /** The rotated secret while its grace lasts. */
  readonly previousHash: string | null;
  readonly previousExpiresAtMs: number | null;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}

export interface ApiKeysDependencies {
  /** Reads the key from the control plane; refuses with key_not_found when there is none. */
  find(id: string): Promise<Result<KeyRecord>>;
  /** Milliseconds since the root last read the control plane's database. */
  confirmedAgeMs(nowMs: number): number;
  /** Remembers that the key was used. */
  used(id: string): void;
}

/** Most keys that an isolate remembers (CP-11). */
const maxKeys = 10_000;
/** An unknown id is not looked up again for this long. */
const unknownMs = 10_000;
/** Most ids remembered as unknown. */
const maxUnknown = 10_000;
/** Most look-ups that find nothing in a second: guessing ids must not become load on the database. */
const maxFruitlessPerSecond = 50;

const unknownKey = refuse("unauthenticated", "No API key has these credentials; check it, or ask for a new one.");

interface Known {
  readonly record: KeyRecord;
  readonly principal: Principal;
  /** The token that was verified last, and until when it holds: the same token again needs no hash. */
  verified: { readonly token: string; readonly untilMs: number } | undefined;
}

/** Verifies API keys, from memory where it can. */
export class ApiKeys {
  readonly #dependencies: ApiKeysDependencies;
  readonly #known = new Lru<string, Known>(maxKeys);
  /** Unknown ids and when they were looked up. */
  readonly #unknown = new Lru<string, number>(maxUnknown);
  /** Counts changes heard of: a record read before a change must not be kept after it. */
  #changes = 0;
  #fruitless = { second: 0, count: 0 };

  constructor(dependencies: ApiKeysDependencies) {
    this.#dependencies = dependencies;
  }

  /** Forgets the key, or all of them: it was changed. */
  forget(id: string | "all"): void {
    this.#changes++;
    if (id === "all") {
      this.#known.clear();
      this.#unknown.clear();
    } else {
      this.#known.delete(id);
      this.#unknown.delete(id);
    }
  }

  /**
   * The principal of a token seen before, without any wait or hash.
   * @param id the one in `token`
   * @returns undefined when it takes `verify` to tell
   */
  remembered(id: string, token: string, nowMs: number): Principal | undefined {
    const known = this.#known.get(id);
    const verified = known?.verified;
    if (known === undefined || verified === undefined || nowMs >= verified.untilMs) return undefined;
    if (!equalConstantTime(token, verified.token)) return undefined;
    if (this.#dependencies.confirmedAgeMs(nowMs) > maxUnconfirmedMs) return undefined;
    this.#dependencies.used(id);
    return known.principal;
  }

  /**
   * Verifies an API key, `bw_<id>_<secret>`. Refuses with `unauthenticated`, or with a 503 when that cannot be known now.
   * Two requests with one id may both look it up: sharing a promise between requests would tie one to the other's fate.
   */
  async verify(token: string, nowMs: number): Promise<Result<Principal>> {
    const parsed = parseKey(token);
    if (parsed === undefined) return unknownKey;
    const { id, secret } = parsed;
    if (this.#dependencies.confirmedAgeMs(nowMs) > maxUnconfirmedMs) {
      return refuse("control_plane_unavailable", "API keys cannot be confirmed without the control plane; try again.");
    }
    const found = await this.#look(id, nowMs);
    if (!found.ok) return found;
    const known = found.value;
    const { record } = known;
    const refusal = refusalOf(record, nowMs);
    if (refusal !== undefined) return refusal;
    const hash = await hashSecret(secret);
    const untilMs = secretHoldsUntilMs(record, hash, nowMs);
    if (untilMs === undefined) return unknownKey;
    known.verified = { token, untilMs };
    this.#dependencies.used(id);
    return ok(known.principal);
  }

  /** Whether the key still counts, for what goes on longer than a request. While that cannot be known it does, for a minute. */
  async holds(id: string, nowMs: number): Promise<boolean> {
    if (this.#dependencies.confirmedAgeMs(nowMs) > maxUnconfirmedMs) return false;
    const found = await this.#look(id, nowMs);
    if (!found.ok) return found.refusal.code !== "unauthenticated";
    return refusalOf(found.value.record, nowMs) === undefined;
  }

  async #look(id: string, nowMs: number): Promise<Result<Known>> {
    const remembered = this.#known.get(id);
    if (remembered !== undefined) return ok(remembered);
    const unknownSinceMs = this.#unknown.get(id);
    if (unknownSinceMs !== undefined && nowMs - unknownSinceMs < unknownMs) return unknownKey;
    if (this.#guessing(nowMs))
      return refuse("overloaded", "Too many unknown API keys are being tried; try again.", 1000);
    const changes = this.#changes;
    const found = await this.#dependencies.find(id);
    const unchanged = changes === this.#changes;
    if (found.ok) {
      const { tenantId, tenant, scopes } = found.value;
      const principal = { tenantId, tenant, subject: `key:${id}`, scopes: new Set(scopes) };
      const known: Known = { record: found.value, principal, verified: undefined };
      if (unchanged) this.#known.set(id, known);
      return ok(known);
    }
    if (found.refusal.code !== "key_not_found") return found;
    this.#fruitless.count++;
    if (unchanged) this.#unknown.set(id, nowMs);
    return unknownKey;
  }

  #guessing(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (this.#fruitless.second !== second) this.#fruitless = { second, count: 0 };
    return this.#fruitless.count >= maxFruitlessPerSecond;
  }
}

/** Why the key does not count any more. */
function refusalOf(record: KeyRecord, nowMs: number): typeof unknownKey | undefined {
  if (record.revokedAtMs !== null) return refuse("unauthenticated", "This API key is revoked; ask for a new one.");
  if (record.expiresAtMs === null || nowMs < record.expiresAtMs) return undefined;
  return refuse("unauthenticated", "This API key has expired; ask for a new one.");
}

/** Until when the secret with this hash opens the key; undefined when it does not. */
function secretHoldsUntilMs(record: KeyRecord, hash: string, nowMs: number): number | undefined {
  const expiresAtMs = record.expiresAtMs ?? Number.POSITIVE_INFINITY;
  if (equalConstantTime(hash, record.secretHash)) return expiresAtMs;
  const graceMs = record.previousExpiresAtMs ?? 0;
  if (record.previousHash === null || nowMs >= graceMs || !equalConstantTime(hash, record.previousHash))
    return undefined;
  return Math.min(expiresAtMs, graceMs);
}
