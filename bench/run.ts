import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const help = `npm run bench -- BENCH [options]

Benches:
  ratelimiter   the rate limiter over HTTP beside a bare Worker and its peers, and what its object costs
  core          the algorithms alone: nanoseconds a decision

Options:
  --seconds N   length of one run (ratelimiter: 5, core: 1)
  --runs N      rounds; each figure is their median (5)
  --only A,B    only these parts
                  ratelimiter: single-hot, single-keys, batch, tails, costs
                  core: gcra, token-bucket, fixed-window, sliding-window, sliding-log, quota
  --shards N    ratelimiter: objects of the tenant, Breakwater's and the bare Worker's (16)
  --rate N      ratelimiter: requests a second of the tails (1000)
  --out FOLDER  where the results go (bench/results)

wrk, k6, redis-server and envoyproxy/ratelimit are looked for in BENCH_TOOLS, bench/.tools and PATH; what is missing is
named with the command that installs it. Run it on a machine that does nothing else.`;

const options = {
  seconds: { type: "string" },
  runs: { type: "string", default: "5" },
  only: { type: "string" },
  shards: { type: "string", default: "16" },
  rate: { type: "string", default: "1000" },
  out: { type: "string", default: fileURLToPath(new URL("results", import.meta.url)) },
  help: { type: "boolean", short: "h" },
} as const;

try {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [bench, ...more] = positionals;
  if (values.help || bench === undefined) console.log(help);
  else if (more.length > 0) throw new Error(`one bench at a time: ${positionals.join(" ")}`);
  else await run(bench, values);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

interface Values {
  readonly seconds?: string | undefined;
  readonly runs: string;
  readonly only?: string | undefined;
  readonly shards: string;
  readonly rate: string;
  readonly out: string;
}

async function run(bench: string, values: Values): Promise<void> {
  const rounds = wholeNumber("runs", values.runs);
  if (bench === "ratelimiter") {
    const { parts } = await import("./ratelimiter/results.ts");
    const { benchRatelimiter } = await import("./ratelimiter/bench.ts");
    const { markdown } = await import("./ratelimiter/report.ts");
    const results = await benchRatelimiter({
      seconds: wholeNumber("seconds", values.seconds ?? "5"),
      rounds,
      only: pick(values.only, parts),
      shards: wholeNumber("shards", values.shards),
      ratePerSecond: wholeNumber("rate", values.rate),
    });
    write(values.out, bench, results, markdown(results));
  } else if (bench === "core") {
    const { algorithms, benchCore, markdown } = await import("./core/bench.ts");
    const results = benchCore({
      seconds: wholeNumber("seconds", values.seconds ?? "1"),
      rounds,
      only: pick(values.only, algorithms),
    });
    write(values.out, bench, results, markdown(results));
  } else throw new Error(`there is no bench ${JSON.stringify(bench)}\n\n${help}`);
}

function write(folder: string, bench: string, results: object, page: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${bench}.json`, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(`${folder}/${bench}.md`, page);
  console.log(`\n${page}\nWritten to ${folder}/${bench}.md and ${bench}.json`);
}

function pick<T extends string>(only: string | undefined, all: readonly T[]): readonly T[] {
  if (only === undefined) return all;
  const names = only.split(",");
  const unknown = names.filter((name) => !all.includes(name as T));
  if (unknown.length > 0) throw new Error(`--only knows ${all.join(", ")}; not ${unknown.join(", ")}`);
  return all.filter((name) => names.includes(name));
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be a whole number, at least 1`);
  return value;
}
