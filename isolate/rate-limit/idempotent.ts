import { type Result, refuse } from "../../contracts/result.ts";
import type { BeginReply, Part } from "../../contracts/rpc/rate-limiter.ts";
import { objectName } from "../../core/object-name.ts";
import { within } from "./batcher.ts";
import type { Call } from "./dependencies.ts";
import { type Failure, failureOf, isRetryable } from "./failure.ts";
import type { LimiterObjects } from "./objects.ts";

/** What work came to. `final`: it is kept and repeated as it is; otherwise a repetition is decided anew. */
export interface Answered<T> {
  readonly result: Result<T>;
  readonly final: boolean;
}

/** Work that is done once for an Idempotency-Key. */
export interface OnceWork<T> {
  /** How long the home of the key is waited for, as any object is. */
  readonly deadlineMs: number;
  work(part: Part): Promise<Answered<T>>;
  /** The answer when the key's home cannot be asked: nothing is charged. */
  unavailable(failure: Failure): Result<T>;
  /** What of an answer is kept: without what the request says itself. */
  keep(value: T): readonly object[];
  restore(kept: readonly object[]): T;
}

/** The id of a request's Idempotency-Key: other principals' and other routes' keys never meet it (ID-7). */
export function idempotencyId(call: Call, key: string, ...route: readonly string[]): string {
  return objectName(call.subject, ...route, key);
}

/**
 * Does the work once for the call's Idempotency-Key: begun and ended at the key's home object, recorded by each object that
 * does a part of it (docs/design/rate-limiter.md, "A check with an Idempotency-Key").
 */
export async function once<T>(
  call: Call,
  { key, route, bodyHash }: NonNullable<Call["idempotency"]>,
  objects: LimiterObjects,
  { deadlineMs, work, unavailable, keep, restore }: OnceWork<T>,
): Promise<Result<T>> {
  const id = idempotencyId(call, key, route);
  const home = objects.shardOf(call.tenantId, id);
  const begun = await atHome(call, deadlineMs, () => objects.stub(call.tenantId, home).begin(id, bodyHash));
  if ("failure" in begun) return unavailable(begun.failure);
  const reply: BeginReply = begun.value;
  switch (reply.kind) {
    case "overloaded":
      return unavailable("overloaded");
    case "reused":
      return refuse("idempotency_key_reused", "Send another body with another Idempotency-Key.");
    case "running":
      return refuse(
        "idempotency_key_in_use",
        "Its first request is still running; repeat it later.",
        reply.retryAfterMs,
      );
    case "replay":
      return { ok: true, value: restore(JSON.parse(reply.answer) as object[]), replayed: true };
    case "run":
      break;
  }
  const { attempt } = reply;
  const task = work([id, attempt, bodyHash]).then(async ({ result, final }) => {
    const answer = final && result.ok ? JSON.stringify(keep(result.value)) : null;
    const finished = await atHome(call, deadlineMs, () =>
      objects.stub(call.tenantId, home).finish(id, attempt, answer),
    );
    // The work is done and its parts are recorded: an answer that the home could not keep is found again from them.
    return { result, overtaken: "value" in finished && !finished.value };
  });
  call.waitUntil(task);
  const { result, overtaken } = await task;
  return overtaken ? refuse("idempotency_key_in_use", "A newer request with this key has taken over.") : result;
}

async function atHome<T>(
  call: Call,
  deadlineMs: number,
  send: () => Promise<T>,
): Promise<{ value: T } | { failure: Failure }> {
  const startMs = Date.now();
  const endMs = Math.min(startMs + deadlineMs, call.deadlineMs ?? Number.POSITIVE_INFINITY);
  for (let last = false; ; last = true) {
    const leftMs = endMs - Date.now();
    if (leftMs <= 0) return { failure: "deadline" };
    try {
      return { value: await within(leftMs, send()) };
    } catch (error) {
      if (last || !isRetryable(error)) return { failure: failureOf(error) };
    }
  }
}
