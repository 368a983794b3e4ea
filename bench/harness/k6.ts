import { fileURLToPath } from "node:url";
import { runLoad } from "./processes.ts";
import { needTool } from "./tools.ts";

const script = fileURLToPath(new URL("../k6/fixed-rate.js", import.meta.url));

/** What callers waited at a fixed rate of requests. */
export interface FixedRateResult {
  readonly requests: number;
  /** Answers other than 200. */
  readonly failed: number;
  /** Requests that could not be sent in time. */
  readonly dropped: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** Runs checks of 10,000 keys at `ratePerSecond` for `seconds`. */
export async function runFixedRate(
  target: { readonly url: string; readonly token?: string | undefined },
  ratePerSecond: number,
  seconds: number,
): Promise<FixedRateResult> {
  const env = {
    URL: target.url,
    RATE: String(ratePerSecond),
    SECONDS: String(seconds),
    ...(target.token === undefined ? {} : { TOKEN: target.token }),
  };
  const output = await runLoad(needTool("k6"), ["run", "--no-usage-report", "--quiet", script], env);
  return JSON.parse(output.trim().split("\n").at(-1) ?? "") as FixedRateResult;
}
