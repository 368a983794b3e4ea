import { median } from "../harness/statistics.ts";
import { connections } from "../harness/wrk.ts";
import { batchSize, limitValue, manyKeys } from "./loads.ts";
import type { Compared, Results, Tail, Throughput } from "./results.ts";

/** The most that an idle key may take in the object, and the most rows that a check may write. */
export const mostIdleKeySizeBytes = 300;
export const mostRowsACheck = 1;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const ms = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** The results as a page of Markdown. */
export function markdown(results: Results): string {
  const sections = [
    heading(results),
    results.comparisons.length > 0 ? comparisonTable(results.comparisons) : "",
    results.throughput.length > 0 ? throughputTable(results.throughput) : "",
    results.tails.length > 0 ? tailTable(results.tails, results.settings.ratePerSecond) : "",
    costTable(results),
    conditions(results),
    notMeasured,
  ];
  return `${sections.filter(Boolean).join("\n\n")}\n`;
}

function heading({ environment, settings }: Results): string {
  return [
    "# Rate limiter: figures",
    "",
    `Measured ${environment.date.slice(0, 10)} at ${environment.commit} by \`npm run bench -- ratelimiter\`: medians of ` +
      `${settings.rounds} rounds of ${settings.seconds} s, in each of which every side ran once.`,
  ].join("\n");
}

function comparisonTable(comparisons: readonly Compared[]): string {
  const rows = comparisons.map(({ title, to, ratio, atLeast }) => [
    title,
    to,
    `${fine.format(ratio.median)} (${fine.format(ratio.min)}–${fine.format(ratio.max)})`,
    atLeast === undefined ? "reported" : `≥ ${atLeast}`,
    atLeast === undefined ? "" : verdict(ratio.median >= atLeast),
  ]);
  const intro = "Decisions a second of Breakwater, divided by those of the other side in the same round (least–most).";
  return `## Compared\n\n${intro}\n\n${table(["Load", "Against", "Ratio", "Reach", ""], rows)}`;
}

function throughputTable(throughput: readonly Throughput[]): string {
  const rows = throughput.map(({ title, side, decisionsPerSecond: rate, p50Ms, p99Ms, ...counts }) => [
    title,
    side,
    whole.format(rate.median),
    `${whole.format(rate.min)}–${whole.format(rate.max)}`,
    ms.format(p50Ms),
    ms.format(p99Ms),
    counts.objectRequestsPerThousand === null ? "" : whole.format(counts.objectRequestsPerThousand),
    whole.format(counts.refused),
    whole.format(counts.broken),
  ]);
  const head = [
    "Load",
    "Side",
    "Decisions/s",
    "Least–most",
    "p50 ms",
    "p99 ms",
    "Object calls per 1,000",
    "Refused",
    "Broken",
  ];
  return `## Ceilings\n\nClosed loop, ${connections} connections. Waits are those at the ceiling.\n\n${table(head, rows)}`;
}

function tailTable(tails: readonly Tail[], ratePerSecond: number): string {
  const rows = tails.map(({ side, rounds }) => {
    const of = (pick: (round: Tail["rounds"][number]) => number) => ms.format(median(rounds.map(pick)));
    const sum = (pick: (round: Tail["rounds"][number]) => number) =>
      whole.format(rounds.reduce((total, round) => total + pick(round), 0));
    return [
      side,
      of(({ p50Ms }) => p50Ms),
      of(({ p99Ms }) => p99Ms),
      of(({ p999Ms }) => p999Ms),
      of(({ maxMs }) => maxMs),
      sum(({ failed }) => failed),
      sum(({ dropped }) => dropped),
    ];
  });
  const head = ["Side", "p50 ms", "p99 ms", "p99.9 ms", "Longest ms", "Not 200", "Not sent"];
  const intro = `Single checks of 10,000 keys at ${whole.format(ratePerSecond)} requests/s, sent on time whatever the answers take.`;
  return `## Tails\n\n${intro}\n\n${table(head, rows)}`;
}

function costTable({ costs }: Results): string {
  if (costs === null) return "";
  const rows = [
    [
      "memory of an idle key in its object",
      `${whole.format(costs.idleKeySizeBytes)} bytes`,
      `≤ ${mostIdleKeySizeBytes}`,
      verdict(costs.idleKeySizeBytes <= mostIdleKeySizeBytes),
    ],
    [
      `heap of ${whole.format(costs.keys)} keys, some on disk alone`,
      `${whole.format(costs.heapOfAllKeysSizeBytes)} bytes`,
      "reported",
      "",
    ],
    ["disk of an idle key", `${whole.format(costs.idleKeyDiskSizeBytes)} bytes`, "reported", ""],
    [
      "rows written a check, each of another key",
      fine.format(costs.rowsACheck),
      `≤ ${mostRowsACheck}`,
      verdict(costs.rowsACheck <= mostRowsACheck),
    ],
    ["rows written a check, 100 at once of one key", fine.format(costs.rowsAHotCheck), "reported", ""],
  ];
  const intro = `The object alone in workerd, keys of ${costs.keySizeBytes} bytes; heap after a full collection, of a key while all ${whole.format(costs.keysInMemory)} are in memory.`;
  return `## Costs\n\n${intro}\n\n${table(["What", "Measured", "Reach", ""], rows)}`;
}

function conditions({ environment, settings }: Results): string {
  const versions = Object.entries(environment.versions).map(([name, version]) => `${name} ${version}`);
  const pinned = environment.pinned
    ? "each side with its store on core 0, the load on core 1 (taskset)"
    : "not pinned: taskset is missing";
  return [
    "## Conditions",
    "",
    `- ${environment.processor}, ${environment.cores} cores, ${environment.memoryGiB} GiB, Linux ${environment.kernel}; ${pinned}; everything on 127.0.0.1.`,
    `- ${versions.join("; ")}.`,
    `- Limit ${whole.format(limitValue)} a minute, so every decision is admitted and counted; ${whole.format(manyKeys)} keys; ${batchSize} checks in a batch.`,
    `- Breakwater as \`npm start\` runs it, ${settings.shards} objects a tenant, API key checked, gcra, failMode closed: an answer that the object did not give would be counted as refused. Its rows, like the bare Worker's, are on disk (fsync) before the answer leaves.`,
    "- bare Worker: bench/bare, the same JSON, batching and objects, one row a key and commit; no credentials, schemas, policies or metrics.",
    "- One Redis for each peer, on its peer's core: without persistence, so that its counts end with it, or where it says so with `--appendfsync always`, which is about as durable as Breakwater. envoyproxy/ratelimit: its /json endpoint, no statsd, no local cache, Redis pipelining as it comes. rate-limiter-flexible: behind node:http, ioredis with automatic pipelining.",
  ].join("\n");
}

const notMeasured = [
  "## Not measured",
  "",
  "- Cloudflare's network: there an object runs in another process, often in another city, and takes 500–1,000 requests a second.",
  "- More than one core a side, TLS, HTTP/2, connections that come and go.",
  "- Refusals (nothing is over its limit), checks over several limits, reservations, permits.",
  "- Redis with replicas, and envoyproxy/ratelimit over gRPC, which its usual caller uses.",
].join("\n");

function verdict(reached: boolean): string {
  return reached ? "reached" : "**missed**";
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
