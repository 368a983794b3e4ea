import type { Environment } from "../harness/environment.ts";
import type { FixedRateResult } from "../harness/k6.ts";
import type { Figure } from "../harness/statistics.ts";
import type { ObjectCosts } from "../memory/measure.ts";
import type { Comparison } from "./measures.ts";

/** The parts that `--only` picks from. */
export const parts = ["single-hot", "single-keys", "batch", "tails", "costs"] as const;
export type Part = (typeof parts)[number];

export interface Settings {
  /** Seconds of one run. */
  readonly seconds: number;
  readonly rounds: number;
  readonly only: readonly Part[];
  /** Objects of the tenant, of Breakwater and of the bare Worker alike. */
  readonly shards: number;
  /** Requests a second of the tails. */
  readonly ratePerSecond: number;
}

/** One contender over all rounds. */
export interface Throughput {
  readonly measure: string;
  readonly title: string;
  readonly side: string;
  readonly decisionsPerSecond: Figure;
  /** Medians of the rounds, at the ceiling. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Calls to the side's objects a thousand decisions, where the side counts them. */
  readonly objectRequestsPerThousand: number | null;
  /** Over all rounds. Each is a request that was not decided as it should: nothing here is over its limit. */
  readonly refused: number;
  readonly broken: number;
}

export interface Compared extends Comparison {
  readonly title: string;
  readonly ratio: Figure;
}

export interface Tail {
  readonly side: string;
  readonly rounds: readonly FixedRateResult[];
}

export interface Results {
  readonly environment: Environment;
  readonly settings: Settings;
  readonly throughput: readonly Throughput[];
  readonly comparisons: readonly Compared[];
  readonly tails: readonly Tail[];
  readonly costs: ObjectCosts | null;
}
