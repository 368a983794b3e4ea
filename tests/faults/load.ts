import { setTimeout as sleep } from "node:timers/promises";
import type { CheckResponse } from "../../contracts/limits.ts";
import type { Answer, Caller } from "../http.ts";

/** Pause of a caller that finds nobody listening. */
const awayMs = 10;

/** What became of the checks of one key. */
export interface Tally {
  /** Answered as charged. */
  admitted: number;
  /** Answered as refused by the limit. */
  refused: number;
  /** Sent, and nobody knows: no answer, or one that leaves it open. */
  unknown: number;
}

/** Callers that check without pause, over restarts, until they are stopped. */
export class Load {
  readonly tallies = new Map<string, Tally>();
  #running = true;
  readonly #callers: Promise<void>[];

  /**
   * @param caller who answers at the moment.
   * @param keys the keys of `limit`, one caller each.
   */
  constructor(caller: () => Caller, limit: string, keys: readonly string[]) {
    this.#callers = keys.map((key) => this.#drive(caller, limit, key));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#callers);
  }

  async #drive(caller: () => Caller, limit: string, key: string): Promise<void> {
    const tally = this.tallies.get(key) ?? { admitted: 0, refused: 0, unknown: 0 };
    this.tallies.set(key, tally);
    while (this.#running) {
      const outcome = await attempt(caller(), limit, key);
      if (outcome === "not sent") await sleep(awayMs);
      else tally[outcome] += 1;
    }
  }
}

async function attempt(caller: Caller, limit: string, key: string): Promise<keyof Tally | "not sent"> {
  let answer: Answer<CheckResponse>;
  try {
    answer = await caller.post<CheckResponse>("/v1/limits/check", { checks: [{ limit, key }] });
  } catch (error) {
    return wasRefused(error) ? "not sent" : "unknown";
  }
  // A fallback answers for an object that did not: whether that one charged is open.
  const decided = answer.status === 200 || answer.status === 429;
  if (!decided || answer.body.results.some(({ source }) => source !== "object")) return "unknown";
  return answer.body.allowed ? "admitted" : "refused";
}

/** Whether nobody listened, so that nothing was sent. */
export function wasRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}
