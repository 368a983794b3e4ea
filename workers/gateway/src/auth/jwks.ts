import type { JSONWebKeySet } from "jose";
import { ok, type Result, refuse } from "../../../../contracts/result.ts";

/** How long a key set is used before it is fetched again. */
const freshMs = 5 * 60_000;
/** How long one fetched in vain for an unknown key id is not fetched again: ids cost a caller nothing to invent. */
const cooldownMs = 30_000;
/** After a failed fetch without any older key set, callers are refused this long without another try. */
const failureCooldownMs = 1_000;
const timeoutMs = 5_000;
const maxSizeBytes = 64 * 1024;
/** Issuers are few; a bound all the same. */
const maxSets = 1_000;

interface Cached {
  readonly keys: JSONWebKeySet | undefined;
  readonly fetchedMs: number;
}

/**
 * The issuers' key sets (RFC 7517). Each request that needs a fetch does its own: a promise shared between requests would
 * end with the request that started it.
 */
export class KeySets {
  readonly #fetch: typeof fetch;
  readonly #sets = new Map<string, Cached>();

  constructor(fetcher: typeof fetch) {
    this.#fetch = fetcher;
  }

  /**
   * The key set at `url`. A stale one serves when it cannot be fetched again.
   * @param renew the set known lacks a key: fetch again unless that was tried within 30 s
   */
  async get(url: string, nowMs: number, renew: boolean): Promise<Result<JSONWebKeySet>> {
    const cached = this.#sets.get(url);
    const ageMs = cached === undefined ? Number.POSITIVE_INFINITY : nowMs - cached.fetchedMs;
    if (cached?.keys === undefined ? ageMs < failureCooldownMs : ageMs < (renew ? cooldownMs : freshMs)) {
      return cached?.keys === undefined ? unavailable : ok(cached.keys);
    }
    // Entered before the fetch, so that the requests of the meantime go on with what is known.
    if (cached?.keys !== undefined) this.#remember(url, { keys: cached.keys, fetchedMs: nowMs });
    const keys = await this.#download(url);
    if (keys === undefined && cached?.keys !== undefined) return ok(cached.keys);
    this.#remember(url, { keys, fetchedMs: nowMs });
    return keys === undefined ? unavailable : ok(keys);
  }

  #remember(url: string, cached: Cached): void {
    if (this.#sets.size >= maxSets && !this.#sets.has(url)) this.#sets.clear();
    this.#sets.set(url, cached);
  }

  async #download(url: string): Promise<JSONWebKeySet | undefined> {
    try {
      const init: RequestInit = {
        headers: { accept: "application/json" },
        // A redirect is an answer that is not 200, and so no key set.
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      };
      const response = await this.#fetch(url, init);
      if (response.status !== 200 || response.body === null) return undefined;
      const keys: unknown = JSON.parse(await readBounded(response.body));
      return isKeySet(keys) ? keys : undefined;
    } catch {
      return undefined;
    }
  }
}

const unavailable = refuse("issuer_unavailable", "The issuer's key set cannot be read; try again.", failureCooldownMs);

function isKeySet(value: unknown): value is JSONWebKeySet {
  return typeof value === "object" && value !== null && "keys" in value && Array.isArray(value.keys);
}

async function readBounded(body: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let sizeBytes = 0;
  let text = "";
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxSizeBytes) throw new Error("too large");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
