import { BreakwaterError } from "./error.ts";

/**
 * The end of one call: its total time, and the caller's signal. Everything the call waits for, it waits for under this.
 * `close` frees the timer and the listener; whoever opens a deadline closes it.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #endsAtMs: number;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #onCallerAbort: () => void;

  /**
   * @param timeoutMs total time of the call, milliseconds
   * @param callerSignal ends the call early; its reason is what the call rejects with
   */
  constructor(timeoutMs: number, callerSignal?: AbortSignal) {
    this.#endsAtMs = performance.now() + timeoutMs;
    this.#timer = setTimeout(() => this.#controller.abort(gaveUp(timeoutMs)), timeoutMs);
    this.#callerSignal = callerSignal;
    this.#onCallerAbort = () => this.#controller.abort(callerSignal?.reason);
    if (callerSignal?.aborted) this.#onCallerAbort();
    else callerSignal?.addEventListener("abort", this.#onCallerAbort, { once: true });
  }

  /** Aborts at the deadline, or with the caller's signal. Its reason is what the call rejects with. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whole milliseconds left, at least 0. */
  remainingMs(): number {
    return Math.max(0, Math.floor(this.#endsAtMs - performance.now()));
  }

  /** Waits `delayMs`; rejects with the signal's reason as soon as it aborts. */
  async sleep(delayMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await this.race(
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, delayMs);
        }),
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** `work`, or a rejection with the signal's reason, whichever comes first. */
  async race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    signal.throwIfAborted();
    let onAbort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#callerSignal?.removeEventListener("abort", this.#onCallerAbort);
  }
}

function gaveUp(timeoutMs: number): BreakwaterError {
  return new BreakwaterError({
    code: "deadline_exceeded",
    status: 0,
    detail: `no answer within ${timeoutMs} ms; the work may have been done`,
  });
}
