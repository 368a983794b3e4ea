import {
  type DecideBatch,
  type DecideReply,
  Outcome,
  type Part,
  Step,
  type WireAnswer,
  type WireCheck,
  type WireRequest,
  type WireVerdict,
} from "../../contracts/rpc/rate-limiter.ts";
import { check, confirm, hold, release, spent, type Verdict } from "../../core/rate-limit/account.ts";
import { type Charge, chargeOf, undo } from "../../core/rate-limit/undo.ts";
import { holdTtlMs, maxHolds } from "./bounds.ts";
import type { Cell, Ledger } from "./ledger.ts";
import type { Limit, Limits } from "./limits.ts";
import type { Parts } from "./parts.ts";

const overloaded: WireAnswer = [Outcome.overloaded, []];
const fenced: WireAnswer = [Outcome.fenced, []];
const reused: WireAnswer = [Outcome.reused, []];
const failed: WireAnswer = [Outcome.failed, []];
/** The newest version of the limit hands out permits. */
const notMetered: WireVerdict = [2, null, null, null, null];
/** The check threw. */
const undecided: WireVerdict = [3, null, null, null, null];

type LimitsOfBatch = readonly (Limit | undefined)[];

/** What each check of a request finds: the key's cell, and what it says. */
interface Look {
  readonly cells: readonly (Cell | undefined)[];
  readonly verdicts: WireVerdict[];
  readonly outcome: Outcome;
}

/** Decides batches of checks against the ledger. Everything is synchronous; the turn commits. */
export class Decider {
  readonly #limits: Limits;
  readonly #ledger: Ledger;
  readonly #parts: Parts;
  readonly #report: (error: unknown) => void;
  /** Holds made in the second `#holdSecond`; with the one before, at most twice the bound are alive. */
  #holds = 0;
  #holdSecond = 0;

  /** @param report told of what a request has thrown */
  constructor(limits: Limits, ledger: Ledger, parts: Parts, report: (error: unknown) => void) {
    this.#report = report;
    this.#limits = limits;
    this.#ledger = ledger;
    this.#parts = parts;
  }

  /** One answer for each request of the batch, in order. A request that throws changes nothing and fails alone. */
  decide(batch: DecideBatch, nowMs: number): DecideReply {
    const limits = batch.limits.map((limit) => this.#limits.adopt(limit));
    return batch.requests.map((request) => this.#attempt(() => this.#answer(limits, request, nowMs)) ?? failed);
  }

  /** What `work` gives; undefined when it threw, and then no account has changed. A part is recorded as its last act. */
  #attempt<T>(work: () => T): T | undefined {
    try {
      return this.#ledger.atomically(work);
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }

  #answer(limits: LimitsOfBatch, [step, checks, part]: WireRequest, nowMs: number): WireAnswer {
    if (part === undefined) {
      return step === Step.each ? this.#each(limits, checks, nowMs) : this.#check(limits, checks, nowMs);
    }
    const known = this.#parts.find(part, nowMs);
    if (known !== undefined) {
      if (known.bodyHash !== part[2]) return reused;
      if (known.attempt > part[1]) return fenced;
    }
    if (step === Step.release) return this.#release(limits, checks, part, nowMs);
    if (step === Step.cancel) return this.#cancel(limits, checks, part, nowMs);
    if (known !== undefined) {
      if (known.charges !== null) {
        // A newer attempt takes the part over, so that the older one can no longer cancel it.
        if (known.attempt < part[1]) this.#parts.record(part, known.charges, known.verdicts, nowMs);
        return [Outcome.allowed, known.verdicts, 1];
      }
      if (known.attempt === part[1]) return fenced;
    } else if (this.#parts.full(part)) {
      return overloaded;
    }
    switch (step) {
      case Step.each:
        return this.#each(limits, checks, nowMs, part);
      case Step.check:
        return this.#check(limits, checks, nowMs, part);
      case Step.hold:
        return this.#hold(limits, checks, part, nowMs);
      case Step.confirm:
        return this.#confirm(limits, checks, part, nowMs);
    }
  }

  #look(limits: LimitsOfBatch, checks: readonly WireCheck[], nowMs: number): Look {
    const cells: (Cell | undefined)[] = [];
    const verdicts: WireVerdict[] = [];
    let outcome: Outcome = Outcome.allowed;
    for (const [place, key, cost, shadow] of checks) {
      const limit = limits[place];
      if (limit === undefined) return { cells: [], verdicts: [], outcome: Outcome.overloaded };
      if (limit.numbers.algorithm === "concurrency") {
        cells.push(undefined);
        verdicts.push(notMetered);
        outcome = Outcome.refused;
        continue;
      }
      const cell = this.#ledger.cell(limit, key, nowMs);
      const verdict = check(cell.account, cost);
      if (!verdict.allowed && shadow === 0) outcome = Outcome.refused;
      cells.push(cell);
      verdicts.push(onWire(verdict));
    }
    return { cells, verdicts, outcome };
  }

  /** A look changes nothing, so nothing has to be taken back when it throws. */
  #lookAlone(limits: LimitsOfBatch, one: WireCheck, nowMs: number): Look {
    try {
      return this.#look(limits, [one], nowMs);
    } catch (error) {
      this.#report(error);
      return { cells: [undefined], verdicts: [undecided], outcome: Outcome.failed };
    }
  }

  #check(limits: LimitsOfBatch, checks: readonly WireCheck[], nowMs: number, part?: Part): WireAnswer {
    const { cells, verdicts, outcome } = this.#look(limits, checks, nowMs);
    if (outcome !== Outcome.allowed) return [outcome, verdicts];
    const charges = cells.map((cell, index) => this.#spend(cell, checks, verdicts, index));
    if (part !== undefined) this.#parts.record(part, charges, verdicts, nowMs);
    return [Outcome.allowed, verdicts];
  }

  /** One after the other: the same key may come several times, and each spend counts for the next. One that throws fails alone. */
  #each(limits: LimitsOfBatch, checks: readonly WireCheck[], nowMs: number, part?: Part): WireAnswer {
    if (checks.some(([place]) => limits[place] === undefined)) return overloaded;
    const verdicts: WireVerdict[] = [];
    const charges: (Charge | null)[] = [];
    for (const one of checks) {
      const look = this.#lookAlone(limits, one, nowMs);
      charges.push(this.#spend(look.cells[0], [one], look.verdicts, 0));
      verdicts.push(...look.verdicts);
    }
    if (part !== undefined) this.#parts.record(part, charges, verdicts, nowMs);
    return [Outcome.allowed, verdicts];
  }

  /** Spends if the verdict at `index` allows it, and puts the figures after the spend in its place. */
  #spend(cell: Cell | undefined, checks: readonly WireCheck[], verdicts: WireVerdict[], index: number): Charge | null {
    if (cell === undefined || verdicts[index]?.[0] !== 1) return null;
    const { account, verdict } = spent(cell.account, costOf(checks, index));
    this.#ledger.put(cell, account);
    verdicts[index] = onWire(verdict);
    return chargeOf(account);
  }

  #hold(limits: LimitsOfBatch, checks: readonly WireCheck[], part: Part, nowMs: number): WireAnswer {
    const { cells, verdicts, outcome } = this.#look(limits, checks, nowMs);
    if (outcome !== Outcome.allowed) return [outcome, verdicts];
    if (!this.#mayHold(nowMs)) return overloaded;
    for (const [index, cell] of cells.entries()) {
      if (cell === undefined || verdicts[index]?.[0] !== 1) continue;
      // A hold is in memory alone: the row does not change.
      this.#ledger.set(cell, hold(cell.account, holdId(part), costOf(checks, index), nowMs + holdTtlMs));
    }
    return [Outcome.allowed, verdicts];
  }

  #confirm(limits: LimitsOfBatch, checks: readonly WireCheck[], part: Part, nowMs: number): WireAnswer {
    const changes: { cell: Cell; account: Cell["account"]; confirmed: boolean }[] = [];
    const verdicts: WireVerdict[] = [];
    let outcome: Outcome = Outcome.allowed;
    for (const [place, key, cost, shadow] of checks) {
      const limit = limits[place];
      if (limit === undefined) return overloaded;
      const cell = this.#ledger.cell(limit, key, nowMs);
      const { account, confirmed } = confirm(cell.account, holdId(part), cost);
      changes.push({ cell, account, confirmed });
      const { limitValue, remaining, resetMs, retryAfterMs } = check(account, cost);
      verdicts.push([confirmed ? 1 : 0, limitValue, remaining, resetMs, confirmed ? 0 : retryAfterMs]);
      if (!confirmed && shadow === 0) outcome = Outcome.refused;
    }
    if (outcome === Outcome.refused) return [outcome, verdicts];
    for (const { cell, account, confirmed } of changes) if (confirmed) this.#ledger.put(cell, account);
    const charges = changes.map(({ account, confirmed }) => (confirmed ? chargeOf(account) : null));
    this.#parts.record(part, charges, verdicts, nowMs);
    return [outcome, verdicts];
  }

  #release(limits: LimitsOfBatch, checks: readonly WireCheck[], part: Part, nowMs: number): WireAnswer {
    for (const [place, key] of checks) {
      const limit = limits[place];
      if (limit === undefined) continue;
      const cell = this.#ledger.cell(limit, key, nowMs);
      this.#ledger.set(cell, release(cell.account, holdId(part)));
    }
    return [Outcome.allowed, []];
  }

  #cancel(limits: LimitsOfBatch, checks: readonly WireCheck[], part: Part, nowMs: number): WireAnswer {
    this.#release(limits, checks, part, nowMs);
    const charges = this.#parts.find(part, nowMs)?.charges;
    for (const [index, [place, key, cost]] of checks.entries()) {
      const limit = limits[place];
      const charge = charges?.[index];
      if (limit === undefined || charge === undefined || charge === null) continue;
      const cell = this.#ledger.cell(limit, key, nowMs);
      this.#ledger.put(cell, undo(cell.account, cost, charge));
    }
    this.#parts.record(part, null, [], nowMs);
    return charges === undefined || charges === null ? [Outcome.allowed, []] : [Outcome.allowed, [], 1];
  }

  #mayHold(nowMs: number): boolean {
    const second = Math.floor(nowMs / holdTtlMs);
    if (second !== this.#holdSecond) {
      this.#holdSecond = second;
      this.#holds = 0;
    }
    this.#holds += 1;
    return this.#holds <= maxHolds;
  }
}

/** Attempts of one Idempotency-Key hold on their own, so that an older one cannot end the holds of a newer one. */
function holdId([id, attempt]: Part): string {
  return attempt === 0 ? id : `${id}#${attempt}`;
}

function costOf(checks: readonly WireCheck[], index: number): number {
  return (checks[index] as WireCheck)[2];
}

function onWire({ allowed, limitValue, remaining, resetMs, retryAfterMs }: Verdict): WireVerdict {
  return [allowed ? 1 : 0, limitValue, remaining, resetMs, retryAfterMs];
}
