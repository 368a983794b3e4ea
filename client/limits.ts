import { isRecord } from "./answer.ts";
import { Overrides } from "./overrides.ts";
import { keyAddress, segment } from "./path.ts";
import { type Permitted, type WithPermitOptions, withPermit } from "./permits.ts";
import { NamedResources } from "./resources.ts";
import type { CallOptions, PostOptions, Transport } from "./transport.ts";
import type {
  Check,
  CheckBatchResponse,
  CheckResponse,
  KeyState,
  Limit,
  LimitPage,
  LimitPolicyInput,
  Permit,
  Reservation,
  Settlement,
} from "./types.ts";

/** Limits, and what their keys do. */
export class Limits extends NamedResources<LimitPolicyInput, Limit, LimitPage> {
  readonly #transport: Transport;
  /** A limit of its own for one key. */
  readonly overrides: Overrides;

  constructor(transport: Transport) {
    super(transport, "/v1/limits");
    this.#transport = transport;
    this.overrides = new Overrides(transport);
  }

  /**
   * Asks to spend the cost of one check, or of up to 20, all or nothing.
   *
   * A refusal is an answer (`allowed: false`, and `results` say which and until when), not an exception. It is sent a
   * second time only when the first surely did not run, or under `idempotencyKey`.
   */
  async check(checks: Check | readonly Check[], options?: PostOptions): Promise<CheckResponse> {
    const body = { checks: Array.isArray(checks) ? checks : [checks] };
    const answer = await this.#transport.send({
      method: "POST",
      path: "/v1/limits/check",
      body,
      repetition: "harmful",
      // The 429 of a decision is a problem document that carries the decision.
      accepts: ({ status, body: said }) => status === 429 && isRecord(said) && Array.isArray(said.results),
      options,
    });
    const { allowed, results } = answer.body as CheckResponse;
    return { allowed, results };
  }

  /** Up to 1000 independent decisions, in order. An item that names no limit carries `error` in its place. */
  async checkBatch(items: readonly Check[], options?: PostOptions): Promise<CheckBatchResponse> {
    const call = { method: "POST", path: "/v1/limits/check-batch", repetition: "harmful" } as const;
    return this.#transport.json<CheckBatchResponse>({ ...call, body: { items }, options });
  }

  /** What a key stands at. Spends nothing. */
  async peek(limit: string, key: string, options?: CallOptions): Promise<KeyState> {
    return this.#transport.json<KeyState>({ method: "GET", ...keyAddress(limit, "keys", key), options });
  }

  /** Makes a key as if never used. A ban and open holds stay. */
  async reset(limit: string, key: string, options?: CallOptions): Promise<KeyState> {
    return this.#transport.json<KeyState>({ method: "DELETE", ...keyAddress(limit, "keys", key), options });
  }

  /** Gives back `cost` tokens, never more than a full key. */
  async refund(limit: string, key: string, cost: number, options?: PostOptions): Promise<KeyState> {
    const address = keyAddress(limit, "keys", key, "refund");
    return this.#transport.json<KeyState>({ method: "POST", ...address, body: { cost }, options });
  }

  /**
   * Charges `cost` now, to be settled when the real cost is known. Refused by the limit it rejects with
   * `quota_exceeded` and `retryAfterMs`.
   *
   * @param options.ttlMs how long it can be settled, milliseconds; after that it stays charged. Default 60,000
   */
  async reserve(
    limit: string,
    key: string,
    cost: number,
    { ttlMs, ...options }: PostOptions & { readonly ttlMs?: number } = {},
  ): Promise<Reservation> {
    const address = keyAddress(limit, "keys", key, "reserve");
    const call = { method: "POST", ...address, refusalIsAnswer: true } as const;
    return this.#transport.json<Reservation>({ ...call, body: { cost, ttlMs }, options });
  }

  /** Settles a reservation at its real cost: gives back what was too much, charges what is missing as far as it fits. */
  async settle(reservation: string, cost: number, options?: PostOptions): Promise<Settlement> {
    const path = `/v1/reservations/${segment(reservation)}/settle`;
    return this.#transport.json<Settlement>({ method: "POST", path, body: { cost }, options });
  }

  /** Refuses a key for `durationMs` milliseconds, whatever it has left. */
  async ban(limit: string, key: string, durationMs: number, options?: CallOptions): Promise<KeyState> {
    const address = keyAddress(limit, "keys", key, "ban");
    return this.#transport.json<KeyState>({ method: "PUT", ...address, body: { durationMs }, options });
  }

  /** Ends a key's ban. */
  async unban(limit: string, key: string, options?: CallOptions): Promise<KeyState> {
    const address = keyAddress(limit, "keys", key, "ban");
    return this.#transport.json<KeyState>({ method: "DELETE", ...address, options });
  }

  /**
   * Takes a permit of a concurrency limit. With none free it rejects with `permits_exhausted` and `retryAfterMs`.
   *
   * @param options.ttlMs the permit's life, milliseconds. Default: the policy's
   */
  async acquire(
    limit: string,
    key: string,
    { ttlMs, ...options }: PostOptions & { readonly ttlMs?: number } = {},
  ): Promise<Permit> {
    const address = keyAddress(limit, "keys", key, "acquire");
    const call = { method: "POST", ...address, refusalIsAnswer: true } as const;
    return this.#transport.json<Permit>({ ...call, body: { ttlMs }, options });
  }

  /** Gives a permit a new life, of `ttlMs` milliseconds or the policy's. Rejects with `permit_not_found` once it ended. */
  async renew(permit: string, { ttlMs, ...options }: PostOptions & { readonly ttlMs?: number } = {}): Promise<Permit> {
    const path = `/v1/permits/${segment(permit)}/renew`;
    return this.#transport.json<Permit>({ method: "POST", path, body: { ttlMs }, options });
  }

  /** Gives a permit back. */
  async release(permit: string, options?: PostOptions): Promise<void> {
    const path = `/v1/permits/${segment(permit)}/release`;
    await this.#transport.send({ method: "POST", path, body: {}, options });
  }

  /**
   * Runs `work` while holding a permit that is renewed in the background, and gives it back at the end.
   *
   * `work` gets a signal that aborts when the permit is lost: from then on another may hold it.
   */
  withPermit<T>(
    limit: string,
    key: string,
    work: (permitted: Permitted) => Promise<T>,
    options?: WithPermitOptions,
  ): Promise<T> {
    return withPermit(this, { limit, key }, work, options);
  }
}
