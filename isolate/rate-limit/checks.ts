import type { CheckBatchResponse, CheckItem, CheckResponse, CheckResult } from "../../contracts/limits.ts";
import { ok, type Refusal, type Result, refuse } from "../../contracts/result.ts";
import { Outcome, type Part, Step } from "../../contracts/rpc/rate-limiter.ts";
import type { Question, Reply } from "./batcher.ts";
import type { Call, LimitConfig } from "./dependencies.ts";
import type { FailModes, Fallback } from "./fail-mode.ts";
import { type Failure, failureIn } from "./failure.ts";
import { type Answered, once } from "./idempotent.ts";
import type { LimiterObjects } from "./objects.ts";
import { checkable, type Group, grouped, type Planned, plan, summed } from "./plan.ts";
import { fromFallback, fromObject } from "./results.ts";
import type { Telemetry } from "./telemetry.ts";
import { decideTogether, type GroupAnswer, passes } from "./together.ts";

/** A check waits for its object this long (RL-15); one over several objects does so in each of its two rounds. */
export const checkDeadlineMs = 100;
/** What nobody waits for, such as giving back, may take longer. */
const patientDeadlineMs = 1_000;

const needsAcquire = refuse("limit_needs_acquire", "The limit has just become one of concurrency: acquire a permit.");
const late = refuse("deadline_exceeded", "The deadline had passed before the limits were asked; allow more time.");
const inUse = refuse("idempotency_key_in_use", "A newer request with this Idempotency-Key has taken over.");
const reused = refuse("idempotency_key_reused", "Send another body with another Idempotency-Key.");

/** Single, multi-object and batch checks. */
export class Checks {
  readonly #objects: LimiterObjects;
  readonly #config: LimitConfig;
  readonly #failModes: FailModes;
  readonly #telemetry: Telemetry;
  readonly #deadlineMs: number;

  constructor(
    objects: LimiterObjects,
    config: LimitConfig,
    failModes: FailModes,
    telemetry: Telemetry,
    deadlineMs = checkDeadlineMs,
  ) {
    this.#objects = objects;
    this.#config = config;
    this.#failModes = failModes;
    this.#telemetry = telemetry;
    this.#deadlineMs = deadlineMs;
  }

  async check(call: Call, items: readonly CheckItem[]): Promise<Result<CheckResponse>> {
    if (hasPassed(call)) return late;
    const planned: Planned[] = [];
    const shadowAll = this.#shadowAll();
    for (const item of items) {
      const known = checkable(item.limit, this.#config.limit(call.tenantId, item.limit));
      if (!known.ok) return known;
      planned.push(plan(item, known.value, this.#objects.shardOf(call.tenantId, item.key), shadowAll));
    }
    if (call.idempotency === undefined) return (await this.#decide(call, planned)).result;
    return once(call, call.idempotency, this.#objects, {
      deadlineMs: this.#deadlineMs,
      work: (part) => this.#decide(call, planned, part),
      unavailable: (failure) => this.#allFallBack(call, planned, failure),
      restore: (results) => {
        const restored = items.map((item, index) => ({ limit: item.limit, key: item.key, ...results[index] }));
        return { allowed: true, results: restored as CheckResult[] };
      },
      keep: ({ results }) => results.map(withoutName),
    });
  }

  async checkBatch(call: Call, items: readonly CheckItem[]): Promise<Result<CheckBatchResponse>> {
    if (hasPassed(call)) return late;
    const shadowAll = this.#shadowAll();
    const planned = items.map((item): Planned | Refusal => {
      const known = checkable(item.limit, this.#config.limit(call.tenantId, item.limit));
      if (!known.ok) return known.refusal;
      return plan(item, known.value, this.#objects.shardOf(call.tenantId, item.key), shadowAll);
    });
    if (call.idempotency === undefined) return (await this.#decideEach(call, items, planned)).result;
    return once(call, call.idempotency, this.#objects, {
      deadlineMs: this.#deadlineMs,
      work: (part) => this.#decideEach(call, items, planned, part),
      unavailable: (failure) => this.#eachFallsBack(call, items, planned, failure),
      restore: (results) => ({
        results: items.map((item, index) => ({
          limit: item.limit,
          key: item.key,
          ...results[index],
        })) as CheckBatchResponse["results"],
      }),
      keep: ({ results }) => results.map(withoutName),
    });
  }

  async #decide(call: Call, planned: readonly Planned[], part?: Part): Promise<Answered<CheckResponse>> {
    const { sums, places } = planned.length === 1 ? { sums: planned, places: [0] } : summed(planned);
    const groups = grouped(sums);
    const [first, ...others] = groups;
    if (first === undefined) return { result: ok({ allowed: true, results: [] }), final: true };
    if (others.length > 0) return this.#decideOverObjects(call, groups, planned, part);

    const reply = await this.#ask(call, first.shard, { step: Step.check, checks: sums, part });
    if ("unanswered" in reply)
      return this.#answered(call, [first], planned, [this.#fallBack(call, first, reply.unanswered)]);
    const [outcome, verdicts] = reply.answer;
    switch (outcome) {
      case Outcome.overloaded:
      case Outcome.failed:
        return this.#answered(call, [first], planned, [this.#fallBack(call, first, failureIn(outcome))]);
      case Outcome.fenced:
        return { result: inUse, final: false };
      case Outcome.reused:
        return { result: reused, final: false };
    }
    if (verdicts.some(([allowed]) => allowed === 2)) return { result: needsAcquire, final: false };
    const results = planned.map((check, index) => fromObject(check, verdicts[places[index] as number] ?? nothing));
    this.#count(call, results);
    const allowed = outcome === Outcome.allowed;
    return { result: ok({ allowed, results }), final: allowed };
  }

  async #decideOverObjects(
    call: Call,
    groups: readonly Group[],
    planned: readonly Planned[],
    part: Part = [crypto.randomUUID(), 0, ""],
  ): Promise<Answered<CheckResponse>> {
    const { outcome, answers } = await decideTogether(groups, part, {
      ask: (shard, question, patient) => this.#ask(call, shard, question, patient),
      fallback: (group) => this.#fallbacks(call, group),
      leftOver: (reason) => this.#telemetry.leftOver(reason),
      waitUntil: (promise) => call.waitUntil(promise),
    });
    if (outcome === "stale") return { result: inUse, final: false };
    if (outcome === "reused") return { result: reused, final: false };
    return this.#answered(call, groups, planned, answers, outcome === "allowed");
  }

  /** Brings the groups' answers into the order of the checks as they were given. */
  #answered(
    call: Call,
    groups: readonly Group[],
    planned: readonly Planned[],
    answers: readonly GroupAnswer[],
    allowed = answers.every(
      (answer, index) => "fallbacks" in answer && passes(groups[index] as Group, answer.fallbacks),
    ),
  ): Answered<CheckResponse> {
    let fellBack = false;
    const results = planned.map((check) => {
      const place = groups.findIndex(({ shard }) => shard === check.shard);
      const index = (groups[place] as Group).checks.findIndex(
        (sum) => sum.limit === check.limit && sum.key === check.key,
      );
      const answer = answers[place] as GroupAnswer;
      if ("verdicts" in answer) return fromObject(check, answer.verdicts[index] ?? nothing);
      fellBack = true;
      this.#telemetry.fellBack(this.#tenant(call), check.limit[0], answer.unanswered);
      return fromFallback(check, answer.fallbacks[index] as Fallback);
    });
    const unmetered = answers.some((answer) => "verdicts" in answer && answer.verdicts.some(([state]) => state === 2));
    if (unmetered) return { result: needsAcquire, final: false };
    this.#count(call, results);
    return { result: ok({ allowed, results }), final: allowed && !fellBack };
  }

  async #decideEach(
    call: Call,
    items: readonly CheckItem[],
    planned: readonly (Planned | Refusal)[],
    part?: Part,
  ): Promise<Answered<CheckBatchResponse>> {
    const groups = grouped(planned.filter((check) => "shard" in check));
    const replies = new Map<number, Reply>();
    await Promise.all(
      groups.map(async ({ shard, checks }) => {
        replies.set(shard, await this.#ask(call, shard, { step: Step.each, checks, part }));
      }),
    );
    for (const reply of replies.values()) {
      if ("answer" in reply && reply.answer[0] === Outcome.fenced) return { result: inUse, final: false };
      if ("answer" in reply && reply.answer[0] === Outcome.reused) return { result: reused, final: false };
    }
    let final = true;
    /** How many checks of each shard have found their verdict: they come in the order of the items. */
    const taken = new Map<number, number>();
    const results = planned.map((check, index) => {
      if (!("shard" in check)) return refused(items[index] as CheckItem, check);
      const place = taken.get(check.shard) ?? 0;
      taken.set(check.shard, place + 1);
      const reply = replies.get(check.shard) as Reply;
      const verdict = "answer" in reply && reply.answer[0] === Outcome.allowed ? reply.answer[1][place] : undefined;
      if (verdict?.[0] === 2) return refused(items[index] as CheckItem, needsAcquire.refusal);
      if (verdict !== undefined && verdict[0] !== 3) return fromObject(check, verdict);
      final = false;
      const failure = "unanswered" in reply ? reply.unanswered : verdict ? "failed" : failureIn(reply.answer[0]);
      return this.#fallBackOne(call, check, failure);
    });
    this.#count(
      call,
      results.filter((result) => "allowed" in result),
    );
    return { result: ok({ results }), final };
  }

  #allFallBack(call: Call, planned: readonly Planned[], failure: Failure): Result<CheckResponse> {
    const groups = grouped(summed(planned).sums);
    return this.#answered(
      call,
      groups,
      planned,
      groups.map((group) => this.#fallBack(call, group, failure)),
    ).result;
  }

  #eachFallsBack(
    call: Call,
    items: readonly CheckItem[],
    planned: readonly (Planned | Refusal)[],
    failure: Failure,
  ): Result<CheckBatchResponse> {
    const results = planned.map((check, index) =>
      "shard" in check ? this.#fallBackOne(call, check, failure) : refused(items[index] as CheckItem, check),
    );
    this.#count(
      call,
      results.filter((result) => "allowed" in result),
    );
    return ok({ results });
  }

  #fallBack(call: Call, group: Group, failure: Failure): GroupAnswer {
    return { unanswered: failure, fallbacks: this.#fallbacks(call, group) };
  }

  #fallbacks(call: Call, group: Group): Fallback[] {
    const nowMs = Date.now();
    return group.checks.map(({ limit, key, cost, failMode }) =>
      this.#failModes.decide(call.tenantId, limit[0], failMode, key, cost, nowMs),
    );
  }

  #fallBackOne(call: Call, check: Planned, failure: Failure): CheckResult {
    this.#telemetry.fellBack(this.#tenant(call), check.limit[0], failure);
    const [fallback] = this.#fallbacks(call, { shard: check.shard, checks: [check] });
    return fromFallback(check, fallback as Fallback);
  }

  #ask(call: Call, shard: number, question: Question, patient = false): Promise<Reply> {
    const nowMs = Date.now();
    const deadlineMs = patient
      ? nowMs + patientDeadlineMs
      : Math.min(nowMs + this.#deadlineMs, call.deadlineMs ?? Number.POSITIVE_INFINITY);
    return this.#objects.batcher(call.tenantId, shard).ask(question, deadlineMs, (promise) => call.waitUntil(promise));
  }

  #count(call: Call, results: readonly CheckResult[]): void {
    const tenant = this.#tenant(call);
    for (const { limit, allowed, shadow, source } of results) {
      const outcome = shadow?.wouldDeny ? "shadow-denied" : allowed ? "allowed" : "denied";
      this.#telemetry.decided(tenant, limit, outcome, source);
    }
  }

  #tenant(call: Call): string {
    return this.#config.tenantName(call.tenantId) ?? call.tenantId;
  }

  #shadowAll(): boolean {
    return this.#config.switchState("limits.shadow-all", Date.now()).on;
  }
}

/** Stands for a verdict that an object of another release did not send. */
const nothing = [0, null, null, null, null] as const;

function refused({ limit, key }: CheckItem, { code, detail }: Refusal): CheckBatchResponse["results"][number] {
  return { limit, key, error: { code, detail } };
}

function withoutName({ limit: _limit, key: _key, ...rest }: { limit: string; key: string }): object {
  return rest;
}

function hasPassed(call: Call): boolean {
  return call.deadlineMs !== undefined && call.deadlineMs <= Date.now();
}
