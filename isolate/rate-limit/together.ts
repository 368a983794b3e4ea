import { Outcome, type Part, Step, type WireVerdict } from "../../contracts/rpc/rate-limiter.ts";
import type { Question, Reply } from "./batcher.ts";
import type { Fallback } from "./fail-mode.ts";
import { type Failure, failureIn } from "./failure.ts";
import type { Group } from "./plan.ts";

/** When a check that was refused because an object did not confirm may come back: its holds have ended then. */
const unconfirmedRetryMs = 1_000;

/** What one group's checks came to: the object's verdicts, or why there are none and what is decided instead. */
export type GroupAnswer =
  | { readonly verdicts: readonly WireVerdict[] }
  | { readonly unanswered: Failure; readonly fallbacks: readonly Fallback[] };

export interface Together {
  /** `stale`: a newer attempt of the Idempotency-Key has taken over. `reused`: it came with another body. */
  readonly outcome: "allowed" | "refused" | "stale" | "reused";
  /** One for each group. */
  readonly answers: readonly GroupAnswer[];
}

export interface TogetherContext {
  /** Sends one question to an object; `patient` ones may take longer than a check. */
  ask(shard: number, question: Question, patient?: boolean): Promise<Reply>;
  /** What the fail mode says of each check of a group. */
  fallback(group: Group): readonly Fallback[];
  leftOver(reason: "confirm-unacknowledged" | "cancel-unacknowledged"): void;
  waitUntil(promise: Promise<unknown>): void;
}

/**
 * One all-or-nothing decision over several objects: held in each, then confirmed in each, or released. It is allowed only
 * when every confirm was acknowledged; otherwise it is refused, and what was charged is given back where the object
 * can be reached (docs/design/rate-limiter.md, "A check of several objects").
 */
export async function decideTogether(
  groups: readonly Group[],
  part: Part,
  context: TogetherContext,
): Promise<Together> {
  const send = (group: Group, step: Step, patient = false) =>
    context.ask(group.shard, { step, checks: group.checks, part }, patient);

  const held = await Promise.all(groups.map((group) => send(group, Step.hold)));
  const stale = staleOutcome(held);
  const answers = held.map((reply, index): GroupAnswer => {
    const outcome = outcomeOf(reply);
    if ("answer" in reply && (outcome === Outcome.allowed || outcome === Outcome.refused)) {
      return { verdicts: reply.answer[1] };
    }
    const failure = "unanswered" in reply ? reply.unanswered : failureIn(reply.answer[0]);
    return { unanswered: failure, fallbacks: context.fallback(groups[index] as Group) };
  });
  const allowed = held.every((reply, index) => {
    const answer = answers[index] as GroupAnswer;
    return "fallbacks" in answer
      ? passes(groups[index] as Group, answer.fallbacks)
      : outcomeOf(reply) === Outcome.allowed;
  });

  if (stale !== undefined || !allowed) {
    // A part that an earlier attempt has charged needs a cancel; a hold alone just ends.
    const endings = groups.map((group, index) => {
      const reply = held[index] as Reply;
      if (outcomeOf(reply) !== Outcome.allowed || stale === "reused") return undefined;
      if (!isReplay(reply)) return send(group, Step.release, true);
      return stale === undefined ? cancel(group, true) : undefined;
    });
    context.waitUntil(Promise.all(endings));
    return { outcome: stale ?? "refused", answers };
  }

  const confirmed = await Promise.all(
    groups.map((group, index) => {
      const reply = held[index] as Reply;
      return outcomeOf(reply) === Outcome.allowed && !isReplay(reply) ? send(group, Step.confirm) : reply;
    }),
  );
  const unconfirmed = confirmed.some(
    (reply, index) => "verdicts" in (answers[index] as GroupAnswer) && outcomeOf(reply) !== Outcome.allowed,
  );
  if (!unconfirmed) {
    const final = confirmed.map((reply, index) => {
      const answer = answers[index] as GroupAnswer;
      return "verdicts" in answer && "answer" in reply ? { verdicts: reply.answer[1] } : answer;
    });
    return { outcome: "allowed", answers: final };
  }

  const taken = staleOutcome(confirmed);
  if (taken === undefined) {
    const asked = groups.filter((_group, index) => "verdicts" in (answers[index] as GroupAnswer));
    const acknowledged = new Set(groups.filter((_group, index) => "answer" in (confirmed[index] as Reply)));
    context.waitUntil(Promise.all(asked.map((group) => cancel(group, acknowledged.has(group)))));
  }
  const refused = confirmed.map((reply, index): GroupAnswer => {
    const { checks } = groups[index] as Group;
    if ("answer" in reply && outcomeOf(reply) === Outcome.refused) return { verdicts: reply.answer[1] };
    if ("answer" in reply && outcomeOf(reply) === Outcome.allowed) return answers[index] as GroupAnswer;
    const failure = "unanswered" in reply ? reply.unanswered : failureIn(reply.answer[0]);
    return { unanswered: failure, fallbacks: checks.map(() => ({ allowed: false, retryAfterMs: unconfirmedRetryMs })) };
  });
  return { outcome: taken ?? "refused", answers: refused };

  /** Takes back what the group was charged. Whatever cannot be seen to be undone is counted. */
  async function cancel(group: Group, wasAcknowledged: boolean): Promise<void> {
    const reply = await send(group, Step.cancel, true);
    if ("unanswered" in reply || outcomeOf(reply) === Outcome.failed) context.leftOver("cancel-unacknowledged");
    else if (!isReplay(reply) && !wasAcknowledged) context.leftOver("confirm-unacknowledged");
  }
}

function outcomeOf(reply: Reply): Outcome | undefined {
  return "answer" in reply ? reply.answer[0] : undefined;
}

function isReplay(reply: Reply): boolean {
  return "answer" in reply && reply.answer[2] === 1;
}

function staleOutcome(replies: readonly Reply[]): "stale" | "reused" | undefined {
  if (replies.some((reply) => outcomeOf(reply) === Outcome.reused)) return "reused";
  return replies.some((reply) => outcomeOf(reply) === Outcome.fenced) ? "stale" : undefined;
}

/** Whether every check of the group that can refuse is admitted. */
export function passes(group: Group, fallbacks: readonly Fallback[]): boolean {
  return group.checks.every((check, index) => check.shadow === 1 || fallbacks[index]?.allowed === true);
}
