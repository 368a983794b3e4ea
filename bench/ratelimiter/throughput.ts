import { figure, median, ratio } from "../harness/statistics.ts";
import { runWrk, type WrkResult } from "../harness/wrk.ts";
import { breakwater, type Contender, comparisons, type Measure } from "./measures.ts";
import type { Compared, Throughput } from "./results.ts";

/** Compiles the hot paths, and makes every key's row. */
const warmUpSeconds = 2;

/** A contender and its runs so far. */
interface Track {
  readonly measure: Measure;
  readonly contender: Contender;
  readonly runs: WrkResult[];
  /** Calls to its objects, and the checks that they carried, over all rounds. */
  readonly objects: { requests: number; checks: number };
}

/**
 * Runs each contender of each measure once a round, so that what disturbs the machine for a while disturbs all of them,
 * and in another order each round, so that none is always first.
 */
export async function measureThroughput(
  measures: readonly Measure[],
  { seconds, rounds }: { readonly seconds: number; readonly rounds: number },
): Promise<{ throughput: Throughput[]; comparisons: Compared[] }> {
  const tracks = measures.flatMap((measure) =>
    measure.contenders.map(
      (contender): Track => ({
        measure,
        contender,
        runs: [],
        objects: { requests: 0, checks: 0 },
      }),
    ),
  );
  for (const { measure, contender } of tracks) {
    console.log(`  warming up ${measure.id}: ${contender.side}`);
    await runWrk(contender.load, Math.min(seconds, warmUpSeconds));
  }
  for (let round = 0; round < rounds; round++) {
    for (const measure of measures) {
      const own = tracks.filter((track) => track.measure === measure);
      for (let at = 0; at < own.length; at++) {
        const track = own[(at + round) % own.length];
        if (track) await runOnce(track, seconds, `round ${round + 1} of ${rounds}`);
      }
    }
  }
  return { throughput: tracks.map(summary), comparisons: compare(tracks) };
}

async function runOnce({ measure, contender, runs, objects }: Track, seconds: number, round: string): Promise<void> {
  const before = await contender.objectCalls?.();
  const run = await runWrk(contender.load, seconds);
  runs.push(run);
  const after = await contender.objectCalls?.();
  if (before && after) {
    objects.requests += after.requests - before.requests;
    objects.checks += after.checks - before.checks;
  }
  const rate = Math.round(run.answersPerSecond * contender.decisions);
  const wrong = run.refused + run.broken > 0 ? `, ${run.refused} refused, ${run.broken} broken` : "";
  console.log(`  ${round}, ${measure.id}: ${contender.side}: ${rate} decisions/s${wrong}`);
}

function decisionRates({ contender, runs }: Track): number[] {
  return runs.map(({ answersPerSecond }) => answersPerSecond * contender.decisions);
}

function summary(track: Track): Throughput {
  const { measure, contender, runs, objects } = track;
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    measure: measure.id,
    title: measure.title,
    side: contender.side,
    decisionsPerSecond: figure(decisionRates(track)),
    p50Ms: median(runs.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(runs.map(({ p99Ms }) => p99Ms)),
    objectRequestsPerThousand: objects.checks === 0 ? null : (objects.requests / objects.checks) * 1000,
    refused: sum(runs.map(({ refused }) => refused)),
    broken: sum(runs.map(({ broken }) => broken)),
  };
}

function compare(tracks: readonly Track[]): Compared[] {
  return comparisons.flatMap((comparison) => {
    const of = tracks.filter(({ measure }) => measure.id === comparison.measure);
    const own = of.find(({ contender }) => contender.side === breakwater);
    const other = of.find(({ contender }) => contender.side === comparison.to);
    if (!own || !other) return [];
    return [{ ...comparison, title: own.measure.title, ratio: ratio(decisionRates(own), decisionRates(other)) }];
  });
}
