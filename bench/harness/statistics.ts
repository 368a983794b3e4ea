/** The median; of an even number of values the mean of the middle two. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A figure over several rounds. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: readonly number[];
}

/** What several rounds say together. */
export function figure(rounds: readonly number[]): Figure {
  return { median: median(rounds), min: Math.min(...rounds), max: Math.max(...rounds), rounds };
}

/**
 * How two sides compare: the figure of the rounds' ratios. Both sides of a round ran within seconds of each other, so
 * what disturbed the machine disturbed both.
 */
export function ratio(of: readonly number[], to: readonly number[]): Figure {
  return figure(of.map((value, round) => value / (to[round] ?? Number.NaN)));
}
