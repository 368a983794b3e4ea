import type { LimitPolicy, Override } from "../limits.ts";
import type { Result } from "../result.ts";

/**
 * What isolates and RateLimiter objects say to each other. `decide` is the hot path: one call carries the requests of
 * many clients, so its messages are tuples that name a limit once and refer to it by its place.
 */

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A policy without what only the isolate needs: `mode`, `failMode` and `shadow`. */
export type LimitNumbers = Without<LimitPolicy, "mode" | "failMode" | "shadow">;

/** A limit travels with the call that uses it; the object keeps the newest version that it has seen (RL-14). */
export type WireLimit = readonly [name: string, version: number, numbers: LimitNumbers];

/** `limit` is a place in the batch's `limits`. A shadow check (1) is decided and charged, and never refuses its request. */
export type WireCheck = readonly [limit: number, key: string, cost: number, shadow: 0 | 1];

/** What a request asks for. */
export const Step = {
  /** All or nothing, in this object alone. */
  check: 0,
  /** Each check on its own; its verdicts say which passed. */
  each: 1,
  /** All or nothing: sets the costs aside for a second. */
  hold: 2,
  /** Spends what the hold of the same id set aside, or what still fits when the hold is gone. */
  confirm: 3,
  /** Ends the holds of the id, when no confirm of it was sent. */
  release: 4,
  /** Gives back whatever the id holds or has spent, and lets no later confirm of it (and its attempt) pass. */
  cancel: 5,
} as const;
export type Step = (typeof Step)[keyof typeof Step];

/**
 * Who repeats what. `id` names the work: of a hold always, of the other steps when they carry an Idempotency-Key. With
 * `attempt` above 0 the object records its part durably, in the transaction of the work; a lower attempt than the
 * recorded one is fenced. Attempt 0 is remembered in memory only, for the few seconds in which messages can be late.
 */
export type Part = readonly [id: string, attempt: number, bodyHash: string];

/** A request names a limit and key at most once: the caller sums. */
export type WireRequest = readonly [step: Step, checks: readonly WireCheck[], part?: Part];

export interface DecideBatch {
  /** Unique for each batch: a repeated one is answered from memory, not decided again. */
  readonly id: string;
  readonly limits: readonly WireLimit[];
  readonly requests: readonly WireRequest[];
}

export const Outcome = {
  refused: 0,
  allowed: 1,
  /** A bound of the object is reached: nothing was charged. */
  overloaded: 2,
  /** A newer attempt has taken over, or this one was cancelled: nothing was charged. */
  fenced: 3,
  /** The id is known with another body: nothing was charged. */
  reused: 4,
  /** It threw on what it was given: nothing was charged, and the other requests of the batch are decided. */
  failed: 5,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/**
 * What one check says: 1 allowed, 0 refused, 2 the newest version of the limit hands out permits and cannot be checked, 3 (of
 * `each` alone) it threw and charged nothing.
 * The figures are those of contracts/limits.ts; after a spend they are those that it left.
 */
export type WireVerdict = readonly [
  allowed: 0 | 1 | 2 | 3,
  limitValue: number | null,
  remaining: number | null,
  resetMs: number | null,
  retryAfterMs: number | null,
];

/** One verdict for each check, in order. `replayed`: the part had been charged before (a cancel has undone that). */
export type WireAnswer = readonly [outcome: Outcome, verdicts: readonly WireVerdict[], replayed?: 1];

/** One answer for each request, in order. */
export type DecideReply = readonly WireAnswer[];

/** What `begin` says of an Idempotency-Key. */
export type BeginReply =
  /** Do the work under this attempt, then `finish`. */
  | { readonly kind: "run"; readonly attempt: number }
  | { readonly kind: "replay"; readonly answer: string }
  | { readonly kind: "running"; readonly retryAfterMs: number }
  | { readonly kind: "reused" }
  | { readonly kind: "overloaded" };

/** An Idempotency-Key of an operation on one key: kept in the transaction of the work. */
export interface Once {
  readonly id: string;
  readonly bodyHash: string;
}

export interface Target {
  readonly limit: WireLimit;
  readonly key: string;
}

export interface KeyFigures {
  readonly limitValue: number | null;
  readonly remaining: number | null;
  readonly resetMs: number | null;
  readonly retryAfterMs: number | null;
  readonly bannedMs?: number;
}

export interface ReserveCommand {
  /** Minted by the caller, so that a repeated call reserves once. */
  readonly id: string;
  readonly cost: number;
  readonly ttlMs: number;
}

export interface AcquireCommand {
  /** Minted by the caller, so that a repeated call acquires once. */
  readonly id: string;
  /** Without it the policy's. */
  readonly ttlMs?: number;
}

export interface HeldPermit {
  readonly permit: string;
  readonly expiresMs: number;
  readonly limitValue: number | null;
  readonly remaining: number | null;
}

export interface SetOverrideCommand {
  /** Absent when the limit no longer exists: then only removing is possible. */
  readonly limit?: WireLimit;
  readonly name: string;
  readonly key: string;
  readonly override: Override | null;
  /** Only a newer version than the one in force changes anything. */
  readonly version: number;
}

/** One shard of one tenant's keys. Every expected refusal is a value. */
export interface RateLimiterRpc {
  decide(batch: DecideBatch): Promise<DecideReply>;
  /** Marks an Idempotency-Key as running in its home object, unless it is known. */
  begin(id: string, bodyHash: string): Promise<BeginReply>;
  /** Keeps the final answer, or none (`null`): then a repetition runs at once. False when a newer attempt has taken over. */
  finish(id: string, attempt: number, answer: string | null): Promise<boolean>;
  peek(target: Target): Promise<Result<KeyFigures>>;
  reset(target: Target): Promise<Result<KeyFigures>>;
  refund(target: Target, cost: number, once?: Once): Promise<Result<KeyFigures>>;
  reserve(
    target: Target,
    command: ReserveCommand,
    once?: Once,
  ): Promise<Result<KeyFigures & { reservation: string; expiresMs: number }>>;
  settle(
    reservation: string,
    cost: number,
    once?: Once,
  ): Promise<Result<{ reserved: number; charged: number; uncharged: number }>>;
  ban(target: Target, durationMs: number): Promise<Result<KeyFigures>>;
  unban(target: Target): Promise<Result<KeyFigures>>;
  acquire(target: Target, command: AcquireCommand, once?: Once): Promise<Result<HeldPermit>>;
  renew(permit: string, ttlMs: number | undefined, once?: Once): Promise<Result<HeldPermit>>;
  release(permit: string, once?: Once): Promise<Result<null>>;
  setOverride(command: SetOverrideCommand): Promise<Result<null>>;
}
