import type { Load } from "../harness/wrk.ts";
import { batchSize } from "./loads.ts";
import type { ObjectCalls } from "./object-calls.ts";

/** One side's load under a measure. */
export interface Contender {
  readonly side: string;
  readonly load: Load;
  /** Decisions in one answer. */
  readonly decisions: number;
  /** What has been asked of the side's objects so far, where the side counts it. */
  readonly objectCalls?: (() => Promise<ObjectCalls>) | undefined;
}

/** What is measured together, in each round one contender after the other. */
export interface Measure {
  readonly id: string;
  readonly title: string;
  readonly contenders: readonly Contender[];
}

/** Names of the sides. */
export const breakwater = "Breakwater";
export const bare = "bare Worker";
export const envoy = "envoyproxy/ratelimit + Redis";
export const envoySingle = "envoyproxy/ratelimit + Redis, one descriptor a request";
export const envoyMany = `envoyproxy/ratelimit + Redis, ${batchSize} descriptors a request`;
export const flexible = "rate-limiter-flexible + Redis";
export const envoySyncs = "envoyproxy/ratelimit + Redis that syncs";
export const flexibleSyncs = "rate-limiter-flexible + Redis that syncs";

/** A comparison of two contenders of one measure, and what it should reach. */
export interface Comparison {
  readonly measure: string;
  readonly to: string;
  /** The smallest ratio that the project accepts; absent where the ratio is only reported. */
  readonly atLeast?: number;
}

export const comparisons: readonly Comparison[] = [
  { measure: "single-hot", to: bare, atLeast: 0.7 },
  { measure: "single-keys", to: bare, atLeast: 0.7 },
  { measure: "single-keys", to: envoy },
  { measure: "single-keys", to: envoySyncs },
  { measure: "single-keys", to: flexible },
  { measure: "single-keys", to: flexibleSyncs },
  { measure: "batch", to: envoySingle, atLeast: 3 },
  { measure: "batch", to: envoyMany },
];
