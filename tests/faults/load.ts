import { setTimeout as sleep } from "node:timers/promises";
import type { CheckResponse } from "../../contracts/limits.ts";
import type { Answer, Caller } from "../http.ts";

/** Pause of a caller whom nobody answers. */
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

/** A write that was answered. */
export interface Written {
  readonly version: number;
  readonly limit: number;
}

/** Callers that go on without pause, over restarts, until they are stopped. */
export class Load {
  readonly #caller: () => Caller;
  readonly #running: Promise<void>[] = [];
  #stopped = false;

  /** @param caller who answers at the moment. */
  constructor(caller: () => Caller) {
    this.#caller = caller;
  }

  /** Checks each of `keys` one after the other and counts what was answered. */
  check(limit: string, keys: readonly string[]): Map<string, Tally> {
    const tallies = new Map<string, Tally>();
    for (const key of keys) {
      const tally: Tally = { admitted: 0, refused: 0, unknown: 0 };
      tallies.set(key, tally);
      this.#repeat(async () => {
        const outcome = await checkOnce(this.#caller(), limit, key);
        if (outcome === "not sent") await sleep(awayMs);
        else tally[outcome] += 1;
      });
    }
    return tallies;
  }

  /** Repeats each check with its Idempotency-Key until it is answered. Yields the answers by key. */
  checkIdempotently(limit: string, key: string, callers: number): Map<string, CheckResponse> {
    const answers = new Map<string, CheckResponse>();
    for (let caller = 0; caller < callers; caller++) {
      let n = 0;
      this.#repeat(async () => {
        const id = `${caller}-${n++}`;
        // Also when stopped: a check that may have been charged is repeated until that is known.
        while (!answers.has(id)) {
          const answer = await checkIdempotently(this.#caller(), limit, key, id).catch(() => undefined);
          if (answer?.status === 200) answers.set(id, answer.body);
          else await sleep(awayMs);
        }
      });
    }
    return answers;
  }

  /** Writes limits, `count` names again and again with another number each time. Yields the last write answered of each. */
  write(prefix: string, count: number, windowMs: number): Map<string, Written> {
    const written = new Map<string, Written>();
    let n = 0;
    this.#repeat(async () => {
      n += 1;
      const [name, limit] = [`${prefix}${n % count}`, n];
      const answer = await this.#caller()
        .put<{ version: number }>(`/v1/limits/${name}`, { algorithm: "gcra", limit, windowMs })
        .catch(() => undefined);
      if (answer === undefined || answer.status >= 300) return void (await sleep(awayMs));
      written.set(name, { version: answer.body.version, limit });
    });
    return written;
  }

  /** Returns when the last call has been answered or given up. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  #repeat(step: () => Promise<void>): void {
    const run = async () => {
      while (!this.#stopped) await step();
    };
    this.#running.push(run());
  }
}

/** One check that carries an Idempotency-Key. */
export function checkIdempotently(
  caller: Caller,
  limit: string,
  key: string,
  id: string,
): Promise<Answer<CheckResponse>> {
  const headers = { "idempotency-key": id };
  return caller.post<CheckResponse>("/v1/limits/check", { checks: [{ limit, key }] }, { headers });
}

async function checkOnce(caller: Caller, limit: string, key: string): Promise<keyof Tally | "not sent"> {
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
function wasRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}
