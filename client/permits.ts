import { BreakwaterError } from "./error.ts";
import type { Permit } from "./types.ts";

/** A permit's life while it is renewed: how long a crashed holder keeps others waiting. */
const defaultTtlMs = 30_000;
/** A permit is renewed after a third of its life, so that two renewals may fail. */
const renewalShare = 1 / 3;
/** A failed renewal is tried again after a tenth of the life. */
const repeatShare = 1 / 10;
/** Time for giving a permit back; when it fails the permit ends by itself. */
const releaseTimeoutMs = 2_000;

export interface WithPermitOptions {
  /** The permit's life between renewals, milliseconds: how long others wait when this process dies. Default 30,000. */
  readonly ttlMs?: number;
  /** Ends the wait for the permit, and aborts the signal that `work` gets. */
  readonly signal?: AbortSignal;
}

/** What the work that holds a permit is given. */
export interface Permitted {
  readonly permit: string;
  /** Aborts when the permit is lost, or with the caller's signal. */
  readonly signal: AbortSignal;
}

/** What is needed of the platform. */
interface PermitCalls {
  acquire(limit: string, key: string, options: WithPermitOptions): Promise<Permit>;
  renew(permit: string, options: { ttlMs: number; timeoutMs: number; signal: AbortSignal }): Promise<Permit>;
  release(permit: string, options: { timeoutMs: number }): Promise<void>;
}

/**
 * Acquires a permit, renews it while `work` runs, and releases it. Gives what `work` gives, and rejects with what it
 * rejects with, or with the refusal of the permit.
 *
 * The permit's end is counted on this machine from before each request was sent, so it is never believed to live longer
 * than the platform believes.
 */
export async function withPermit<T>(
  calls: PermitCalls,
  target: { readonly limit: string; readonly key: string },
  work: (permitted: Permitted) => Promise<T>,
  options: WithPermitOptions = {},
): Promise<T> {
  const { ttlMs = defaultTtlMs, signal } = options;
  const sentAtMs = performance.now();
  const { permit } = await calls.acquire(
    target.limit,
    target.key,
    signal === undefined ? { ttlMs } : { ttlMs, signal },
  );
  const keeper = new PermitKeeper(calls, permit, ttlMs, sentAtMs);
  const onAbort = () => keeper.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await work({ permit, signal: keeper.signal });
  } finally {
    signal?.removeEventListener("abort", onAbort);
    keeper.stop();
    // The work is done, or has failed for its own reason; a permit that cannot be given back ends by itself.
    await calls.release(permit, { timeoutMs: releaseTimeoutMs }).catch(() => undefined);
  }
}

/** Renews one permit until it is stopped or lost. */
class PermitKeeper {
  readonly #calls: PermitCalls;
  readonly #permit: string;
  readonly #ttlMs: number;
  readonly #holder = new AbortController();
  readonly #stopped = new AbortController();
  #endsAtMs = 0;
  #end: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;

  constructor(calls: PermitCalls, permit: string, ttlMs: number, sentAtMs: number) {
    this.#calls = calls;
    this.#permit = permit;
    this.#ttlMs = ttlMs;
    this.#heldSince(sentAtMs);
  }

  get signal(): AbortSignal {
    return this.#holder.signal;
  }

  abort(reason: unknown): void {
    this.#holder.abort(reason);
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#end);
    clearTimeout(this.#renewal);
  }

  /** The permit's life began, or began again, at `sentAtMs` at the earliest. */
  #heldSince(sentAtMs: number): void {
    this.#endsAtMs = sentAtMs + this.#ttlMs;
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.#lose("the permit ended before it could be renewed"), this.#leftMs());
    this.#renewAfter(this.#ttlMs * renewalShare);
  }

  #leftMs(): number {
    return Math.max(0, Math.floor(this.#endsAtMs - performance.now()));
  }

  #renewAfter(delayMs: number): void {
    this.#renewal = setTimeout(() => void this.#renew(), delayMs);
  }

  async #renew(): Promise<void> {
    const sentAtMs = performance.now();
    const { signal } = this.#stopped;
    try {
      await this.#calls.renew(this.#permit, { ttlMs: this.#ttlMs, timeoutMs: Math.max(1, this.#leftMs()), signal });
      if (!signal.aborted) this.#heldSince(sentAtMs);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof BreakwaterError && !error.retryable) this.#lose(error.detail, error);
      else this.#renewAfter(this.#ttlMs * repeatShare);
    }
  }

  #lose(detail: string, cause?: unknown): void {
    this.stop();
    this.#holder.abort(new BreakwaterError({ code: "permit_not_found", status: 0, detail, cause }));
  }
}
