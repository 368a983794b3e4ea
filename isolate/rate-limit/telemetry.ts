import type { ErrorCode } from "../../contracts/errors.ts";
import type { Counter, Histogram } from "../../core/metrics/metrics.ts";
import type { CallObserver } from "./batcher.ts";
import type { Meters, RateLimitsDependencies } from "./dependencies.ts";
import type { Failure } from "./failure.ts";

/** Seconds; an object nearby answers within one or two milliseconds, and no call counts for longer than one second. */
const durationBoundariesS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** Under a fault every call may fail: one line a second tells as much as all of them. */
const warnEveryMs = 1_000;

/** What is counted beside checks. */
export type Operation = "reserve" | "settle" | "refund" | "acquire" | "renew" | "release";

/** What the rate limiter counts, and tells of failing calls. */
export class Telemetry implements CallObserver {
  readonly #decisions: Counter;
  readonly #requests: Counter;
  readonly #checks: Counter;
  readonly #durations: Histogram;
  readonly #fallbacks: Counter;
  readonly #leftovers: Counter;
  readonly #operations: Counter;
  readonly #warn: RateLimitsDependencies["warn"];
  #warnedMs = 0;

  constructor(metrics: Meters, warn: RateLimitsDependencies["warn"]) {
    this.#warn = warn;
    this.#decisions = metrics.counter("breakwater.ratelimit.decisions", ["tenant", "limit", "outcome", "source"], {
      unit: "{decision}",
      help: "Decisions by limit.",
    });
    this.#requests = metrics.counter("breakwater.ratelimit.object.requests", ["outcome"], {
      unit: "{request}",
      help: "Calls to limiter objects.",
    });
    this.#checks = metrics.counter("breakwater.ratelimit.object.checks", [], {
      unit: "{check}",
      help: "Checks carried by those calls.",
    });
    this.#durations = metrics.histogram("breakwater.ratelimit.object.duration", [], durationBoundariesS, {
      unit: "s",
      help: "How long calls to limiter objects take.",
    });
    this.#fallbacks = metrics.counter("breakwater.ratelimit.fallbacks", ["tenant", "limit", "reason"], {
      unit: "{decision}",
      help: "Decisions of the fail mode, by why the object gave none.",
    });
    this.#leftovers = metrics.counter("breakwater.ratelimit.leftover_charges", ["reason"], {
      unit: "{charge}",
      help: "Charges of refused checks that may have stayed.",
    });
    this.#operations = metrics.counter("breakwater.ratelimit.operations", ["tenant", "limit", "operation", "outcome"], {
      unit: "{operation}",
      help: "Reservations, refunds and permits, by what came of them.",
    });
  }

  called(outcome: "ok" | Failure, durationMs: number, checks: number, error?: unknown): void {
    this.#requests.add(1, outcome);
    this.#checks.add(checks);
    this.#durations.record(durationMs / 1000);
    if (outcome === "ok" || this.#warn === undefined || Date.now() - this.#warnedMs < warnEveryMs) return;
    this.#warnedMs = Date.now();
    this.#warn("a limiter object gave no answer", error instanceof Error ? error.message : outcome);
  }

  decided(tenant: string, limit: string, outcome: "allowed" | "denied" | "shadow-denied", source: string): void {
    this.#decisions.add(1, tenant, limit, outcome, source);
  }

  /**
   * @param limit empty where it is not known: ids of reservations and permits do not tell it
   * @param outcome "ok" or the refusal's code
   */
  operated(tenant: string, limit: string, operation: Operation, outcome: "ok" | ErrorCode): void {
    this.#operations.add(1, tenant, limit, operation, outcome);
  }

  fellBack(tenant: string, limit: string, reason: Failure): void {
    this.#fallbacks.add(1, tenant, limit, reason);
  }

  leftOver(reason: "confirm-unacknowledged" | "cancel-unacknowledged"): void {
    this.#leftovers.add(1, reason);
  }
}
