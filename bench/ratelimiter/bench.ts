import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment } from "../harness/environment.ts";
import { findTool, howToInstall, type Tool } from "../harness/tools.ts";
import { type Load, writeBodies } from "../harness/wrk.ts";
import { measureCosts } from "../memory/measure.ts";
import * as loads from "./loads.ts";
import {
  bare,
  breakwater,
  envoy,
  envoyMany,
  envoySingle,
  envoySyncs,
  flexible,
  flexibleSyncs,
  type Measure,
} from "./measures.ts";
import type { Part, Results, Settings } from "./results.ts";
import { type Side, startBare, startBreakwater, startEnvoy, startFlexible } from "./sides.ts";
import { measureTails } from "./tails.ts";
import { measureThroughput } from "./throughput.ts";

/** Programs that the parts need. */
const needs: Readonly<Record<Part, readonly Tool[]>> = {
  "single-hot": ["wrk"],
  "single-keys": ["wrk", "redis-server", "service_cmd"],
  batch: ["wrk", "redis-server", "service_cmd"],
  tails: ["k6"],
  costs: [],
};

/** Which sides the parts need. */
const sidesOf: Readonly<Record<Part, readonly (keyof Sides)[]>> = {
  "single-hot": ["breakwater", "bare"],
  "single-keys": ["breakwater", "bare", "envoy", "envoySyncs", "flexible", "flexibleSyncs"],
  batch: ["breakwater", "envoy"],
  tails: ["breakwater", "bare"],
  costs: [],
};

interface Sides {
  breakwater?: Side;
  bare?: Side;
  envoy?: Side;
  envoySyncs?: Side;
  flexible?: Side;
  flexibleSyncs?: Side;
}

/** Runs the rate limiter's benchmark. @throws Error that says what to install when a program is missing */
export async function benchRatelimiter(settings: Settings): Promise<Results> {
  expectTools(settings.only);
  const folder = mkdtempSync(join(tmpdir(), "breakwater-bench-"));
  const sides: Sides = {};
  try {
    const costs = settings.only.includes("costs") ? await measureCosts(join(folder, "costs")) : null;
    await start(sides, folder, settings);
    const measures = measuresOf(sides, folder).filter(({ id }) => settings.only.includes(id as Part));
    const { throughput, comparisons } = await measureThroughput(measures, settings);
    const { breakwater: ours, bare: base } = sides;
    const withTails = settings.only.includes("tails") && ours && base;
    const tails = withTails ? await measureTails({ breakwater: ours, bare: base }, settings) : [];
    return { environment: environment(), settings, throughput, comparisons, tails, costs };
  } finally {
    for (const side of Object.values(sides) as Side[]) await side.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function expectTools(only: readonly Part[]): void {
  const missing = [...new Set(only.flatMap((part) => needs[part]))].filter((tool) => findTool(tool) === undefined);
  if (missing.length > 0) throw new Error(missing.map(howToInstall).join("\n"));
}

async function start(sides: Sides, folder: string, { only, shards }: Settings): Promise<void> {
  const wanted = new Set(only.flatMap((part) => sidesOf[part]));
  console.log(`Starting ${[...wanted].join(", ") || "nothing"} …`);
  if (wanted.has("breakwater")) sides.breakwater = await startBreakwater(folder, shards);
  if (wanted.has("bare")) sides.bare = await startBare(folder, shards);
  if (wanted.has("envoy")) sides.envoy = await startEnvoy(folder, "forgets");
  if (wanted.has("envoySyncs")) sides.envoySyncs = await startEnvoy(folder, "syncs");
  if (wanted.has("flexible")) sides.flexible = await startFlexible(folder, "forgets");
  if (wanted.has("flexibleSyncs")) sides.flexibleSyncs = await startFlexible(folder, "syncs");
}

function measuresOf(sides: Sides, folder: string): Measure[] {
  const body = (name: string, bodies: readonly unknown[]) => writeBodies(join(folder, "bodies"), name, bodies);
  const files = {
    hot: body("hot", loads.hotKey),
    keys: body("keys", loads.keys),
    batches: body("batches", loads.batches),
    envoyKeys: body("envoy-keys", loads.envoyKeys),
    envoyBatches: body("envoy-batches", loads.envoyBatches),
  };
  const one = (name: string, side: Side | undefined, path: string, bodiesFile: string, decisions = 1) =>
    side === undefined
      ? []
      : [{ side: name, load: load(side, path, bodiesFile), decisions, objectCalls: side.objectCalls }];
  const check = "/v1/limits/check";
  const batch = "/v1/limits/check-batch";
  return [
    {
      id: "single-hot",
      title: "single checks of one key",
      contenders: [...one(breakwater, sides.breakwater, check, files.hot), ...one(bare, sides.bare, check, files.hot)],
    },
    {
      id: "single-keys",
      title: "single checks of 10,000 keys",
      contenders: [
        ...one(breakwater, sides.breakwater, check, files.keys),
        ...one(bare, sides.bare, check, files.keys),
        ...one(envoy, sides.envoy, "/json", files.envoyKeys),
        ...one(envoySyncs, sides.envoySyncs, "/json", files.envoyKeys),
        ...one(flexible, sides.flexible, check, files.keys),
        ...one(flexibleSyncs, sides.flexibleSyncs, check, files.keys),
      ],
    },
    {
      id: "batch",
      title: "100 checks a request, of 10,000 keys",
      contenders: [
        ...one(breakwater, sides.breakwater, batch, files.batches, loads.batchSize),
        ...one(envoySingle, sides.envoy, "/json", files.envoyKeys),
        ...one(envoyMany, sides.envoy, "/json", files.envoyBatches, loads.batchSize),
      ],
    },
  ];
}

function load(side: Side, path: string, bodiesFile: string): Load {
  const url = side.server.url + path;
  return side.token === undefined ? { url, bodiesFile } : { url, bodiesFile, token: side.token };
}
