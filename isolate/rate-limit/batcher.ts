import type {
  DecideBatch,
  DecideReply,
  Part,
  RateLimiterRpc,
  Step,
  WireAnswer,
  WireCheck,
  WireLimit,
  WireRequest,
} from "../../contracts/rpc/rate-limiter.ts";
import { type Failure, failureOf, isRetryable } from "./failure.ts";

/** Most checks in one call: those of one client's largest batch. */
export const maxBatchChecks = 1000;
/**
 * How long checks gather, for each call in flight: calls to a far object overlap rather than wait for each other, and a
 * slow object gets fewer and larger ones. At most 20 ms, a fifth of what a check may take.
 */
const gatherMs = 5;
const maxGatherMs = 20;
/**
 * Most calls in flight to one object: more than a far object (150 ms) ever has. When one more batch has filled up
 * behind them the object is slower than its callers, and further checks are not sent.
 */
const maxCallsInFlight = 32;
/** A batch that was not sent by then has lost its sender, whose request was torn down: its waiters call directly. */
const rescueMs = 25;
/** A call that has not answered by then no longer counts as in flight, whether it failed or its sender was torn down. */
const maxCallMs = 1_000;
/** Before the one retry: enough to get out of step with others. */
const retryJitterMs = 10;

/** One check, with the limit that it is decided under. */
export interface PlannedCheck {
  readonly limit: WireLimit;
  readonly key: string;
  readonly cost: number;
  readonly shadow: 0 | 1;
}

/** One request to an object. */
export interface Question {
  readonly step: Step;
  readonly checks: readonly PlannedCheck[];
  readonly part?: Part | undefined;
}

/** What became of a question. `unanswered`: whether it was decided is not known, unless it was never sent. */
export type Reply = { readonly answer: WireAnswer } | { readonly unanswered: Failure };

/** What a batcher reports of each call. `error` is what it has thrown. */
export interface CallObserver {
  called(outcome: "ok" | Failure, durationMs: number, checks: number, error?: unknown): void;
}

/** One client's question on its way. */
interface Waiter {
  readonly question: Question;
  readonly deadlineMs: number;
  /** The first reply counts. */
  readonly settle: (reply: Reply) => void;
}

interface Batch {
  readonly openedMs: number;
  waiters: Waiter[];
  checks: number;
  sent: boolean;
}

/**
 * Sends the questions of many requests to one object in few calls. The first one goes at once; while a call is in
 * flight further ones gather behind it, and the first of them sends them all, in its own request and under its
 * `waitUntil`.
 *
 * Every waiter keeps a timer of its own: a request that waits for nothing but another request's promise is
 * cancelled by the runtime as hung, and the timer is the way out when the sender was torn down.
 */
export class Batcher {
  readonly #stub: () => RateLimiterRpc;
  readonly #observer: CallObserver;
  readonly #idPrefix = crypto.randomUUID();
  #calls = 0;
  readonly #inFlight = new Set<{ readonly startedMs: number }>();
  #open: Batch | undefined;
  /**
   * Wakes those who gather when a call lands. Each waits for a promise of its own request: one that was made in another
   * is resolved by a detour, or not at all once that request has ended.
   */
  #wake: (() => void)[] = [];

  /** @param stub a fresh stub of the object for each call */
  constructor(stub: () => RateLimiterRpc, observer: CallObserver) {
    this.#stub = stub;
    this.#observer = observer;
  }

  /**
   * Asks the object. Never rejects.
   *
   * @param deadlineMs when the wait ends, absolute
   */
  async ask(question: Question, deadlineMs: number, waitUntil: (promise: Promise<unknown>) => void): Promise<Reply> {
    const nowMs = Date.now();
    if (deadlineMs <= nowMs) return { unanswered: "deadline" };
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const waiter: Waiter = { question, deadlineMs, settle: resolve };
    const batch = this.#join(waiter, nowMs, waitUntil);
    if (batch === undefined) return { unanswered: "overloaded" };
    let timer = setTimeout(
      () => {
        const leftMs = this.#rescue(waiter, batch, waitUntil);
        timer = setTimeout(() => {
          // An isolate that stood still rings its timers before it reads the answers that have come: once around for those.
          timer = setTimeout(() => waiter.settle({ unanswered: "deadline" }), 0);
        }, leftMs);
      },
      Math.min(rescueMs, deadlineMs - nowMs),
    );
    const reply = await promise;
    // Here, in the waiter's own request: another one cannot clear it.
    clearTimeout(timer);
    return reply;
  }

  /** Adds the waiter to the batch that gathers, or opens one whose sender it becomes. Undefined at the bound. */
  #join(waiter: Waiter, nowMs: number, waitUntil: (promise: Promise<unknown>) => void): Batch | undefined {
    const checks = waiter.question.checks.length;
    const open = this.#open;
    if (open !== undefined && open.checks + checks <= maxBatchChecks && nowMs - open.openedMs < rescueMs) {
      open.waiters.push(waiter);
      open.checks += checks;
      return open;
    }
    const batch: Batch = { openedMs: nowMs, waiters: [waiter], checks, sent: false };
    const calls = this.#callsInFlight(nowMs);
    if (calls === 0) {
      waitUntil(this.#send(batch));
    } else {
      if (calls >= maxCallsInFlight && open !== undefined) return undefined;
      this.#open = batch;
      waitUntil(this.#gather(batch));
    }
    return batch;
  }

  /** Sends the batch when a call has landed or enough was waited. */
  async #gather(batch: Batch): Promise<void> {
    do {
      const { promise: pause, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.min(gatherMs * this.#callsInFlight(Date.now()), maxGatherMs));
      this.#wake.push(resolve);
      await pause;
      clearTimeout(timer);
    } while (this.#callsInFlight(Date.now()) >= maxCallsInFlight && batch.waiters.length > 0);
    if (this.#open === batch) this.#open = undefined;
    if (batch.waiters.length > 0) await this.#send(batch);
  }

  /** The waiter's own timer rang: its batch has lost its sender, or is just slow. Says how long it still may wait. */
  #rescue(waiter: Waiter, batch: Batch, waitUntil: (promise: Promise<unknown>) => void): number {
    const nowMs = Date.now();
    const leftMs = Math.max(0, waiter.deadlineMs - nowMs);
    const place = batch.waiters.indexOf(waiter);
    if (batch.sent || place < 0) return leftMs;
    // Taken back before anybody has sent it, so nothing is asked twice.
    batch.waiters.splice(place, 1);
    if (this.#callsInFlight(nowMs) >= maxCallsInFlight) waiter.settle({ unanswered: "overloaded" });
    else if (leftMs > 0) waitUntil(this.#send({ ...batch, waiters: [waiter], checks: waiter.question.checks.length }));
    return leftMs;
  }

  async #send(batch: Batch): Promise<void> {
    batch.sent = true;
    const startedMs = Date.now();
    const call = { startedMs };
    this.#inFlight.add(call);
    let replies: DecideReply | undefined;
    let failure: Failure = "failed";
    let thrown: unknown;
    try {
      replies = await this.#callWithRetry(this.#message(batch), startedMs);
    } catch (error) {
      thrown = error;
      failure = failureOf(error);
    }
    this.#inFlight.delete(call);
    for (const wake of this.#wake.splice(0)) wake();
    this.#observer.called(replies === undefined ? failure : "ok", Date.now() - startedMs, batch.checks, thrown);
    for (const [index, waiter] of batch.waiters.entries()) {
      const answer = replies?.[index];
      waiter.settle(answer === undefined ? { unanswered: failure } : { answer });
    }
  }

  async #callWithRetry(message: DecideBatch, startedMs: number): Promise<DecideReply> {
    try {
      return await within(maxCallMs, this.#stub().decide(message));
    } catch (error) {
      const pauseMs = Math.random() * retryJitterMs;
      const leftMs = maxCallMs - (Date.now() - startedMs) - pauseMs;
      if (!isRetryable(error) || leftMs <= 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      // The same id: an object that has decided it and lived on answers from memory.
      return await within(leftMs, this.#stub().decide(message));
    }
  }

  #message(batch: Batch): DecideBatch {
    const limits: WireLimit[] = [];
    const places = new Map<WireLimit, number>();
    const requests = batch.waiters.map(({ question: { step, checks, part } }): WireRequest => {
      const wire = checks.map(({ limit, key, cost, shadow }): WireCheck => {
        let place = places.get(limit);
        if (place === undefined) {
          place = limits.push(limit) - 1;
          places.set(limit, place);
        }
        return [place, key, cost, shadow];
      });
      return part === undefined ? [step, wire] : [step, wire, part];
    });
    return { id: `${this.#idPrefix} ${this.#calls++}`, limits, requests };
  }

  #callsInFlight(nowMs: number): number {
    for (const call of this.#inFlight) if (nowMs - call.startedMs > maxCallMs) this.#inFlight.delete(call);
    return this.#inFlight.size;
  }
}

/** The promise's value, or a throw of "deadline" after `ms`. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const { promise: end, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject("deadline" satisfies Failure), ms);
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}
