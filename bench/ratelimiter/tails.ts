import { type FixedRateResult, runFixedRate } from "../harness/k6.ts";
import { bare, breakwater } from "./measures.ts";
import type { Tail } from "./results.ts";
import type { Side } from "./sides.ts";

/**
 * What callers wait at a fixed rate, beside the bare Worker in the same rounds: workerd pauses by itself, so a tail says
 * something only next to that of a Worker that does nothing else.
 */
export async function measureTails(
  sides: { readonly breakwater: Side; readonly bare: Side },
  { seconds, rounds, ratePerSecond }: { seconds: number; rounds: number; ratePerSecond: number },
): Promise<Tail[]> {
  const tails: { side: string; of: Side; rounds: FixedRateResult[] }[] = [
    { side: breakwater, of: sides.breakwater, rounds: [] },
    { side: bare, of: sides.bare, rounds: [] },
  ];
  for (let round = 0; round < rounds; round++) {
    for (const tail of round % 2 === 0 ? tails : tails.toReversed()) {
      const result = await runFixedRate({ url: tail.of.server.url, token: tail.of.token }, ratePerSecond, seconds);
      tail.rounds.push(result);
      console.log(`  round ${round + 1} of ${rounds}, tails: ${tail.side}: p99 ${result.p99Ms.toFixed(1)} ms`);
    }
  }
  return tails.map(({ side, rounds: results }) => ({ side, rounds: results }));
}
