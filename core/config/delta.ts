import type { ConfigEntry } from "./entry.ts";

/**
 * Up to where the changes of a snapshot are known: everything up to `config` of the audit in D1 and up to `switches` of the
 * Switches object is in it. The two count apart because a switch works while D1 does not.
 */
export interface Position {
  /** Grows when the history starts again, as after the restoration of a database. 0: nothing is known. */
  readonly epoch: number;
  readonly config: number;
  readonly switches: number;
}

export const nowhere: Position = { epoch: 0, config: 0, switches: 0 };

/** Changes after `from` up to `to`; with `full` everything there is, and what is missing is deleted. */
export interface Delta {
  readonly full: boolean;
  readonly from: Position;
  readonly to: Position;
  readonly entries: readonly ConfigEntry[];
  /** Ids of API keys that changed after `from`, or "all" when it is not known which. */
  readonly keys: readonly string[] | "all";
}

/** The sequences that versions belong to. */
export type Domain = "config" | "switches";
export const domains: readonly Domain[] = ["config", "switches"];

export function domainOf(entry: Pick<ConfigEntry, "kind">): Domain {
  return entry.kind === "switches" ? "switches" : "config";
}
