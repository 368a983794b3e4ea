import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { heapSizeBytes } from "./heap.ts";

/** As many keys as one object should hold. */
const keys = 100_000;
/** Of them the object keeps the most recent ones in memory: half of 100,000 at least, so all of these. */
const keysInMemory = 40_000;
const keySizeBytes = "user:00000000".length;
/** Checks in one call: what an isolate sends at most. */
const batchSize = 1_000;
/** More batches than the object remembers replies of, so that those weigh the same before and after. */
const settlingBatches = 80;
const hotBatch = 100;
const workerName = "memory";

/** What keys and checks cost the object that decides them. */
export interface ObjectCosts {
  readonly keys: number;
  readonly keySizeBytes: number;
  readonly keysInMemory: number;
  /** Heap that one key more takes while every key is in memory. */
  readonly idleKeySizeBytes: number;
  /** Heap that 100,000 keys take, of which some are on disk alone. */
  readonly heapOfAllKeysSizeBytes: number;
  /** Database that one key more takes. */
  readonly idleKeyDiskSizeBytes: number;
  /** Rows written a check when each is of another key. */
  readonly rowsACheck: number;
  /** Rows written a check when 100 of one key arrive together. */
  readonly rowsAHotCheck: number;
}

/**
 * Runs the RateLimiter object alone in workerd, fills it with 100,000 keys, and reads what that took: the heap after a
 * full collection through the inspector, the database and its written rows through SQLite's counters.
 */
export async function measureCosts(dataDir: string): Promise<ObjectCosts> {
  console.log(`  costs: filling one object with ${keys} keys`);
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("worker.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".sql": "text" },
    write: false,
  });
  // Miniflare hands these to workerd; the worker calls gc() before its heap is read.
  process.env.MINIFLARE_WORKERD_V8_FLAGS = "--expose-gc";
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({
      name: workerName,
      modules: true,
      script: bundle.outputFiles[0]?.text ?? "",
      compatibilityDate: "2026-11-01",
      compatibilityFlags: ["nodejs_compat"],
      durableObjects: { LIMITER: { className: "CountedLimiter", useSQLite: true } },
      inspectorPort: 0,
    }),
    resourcePersistencePath: dataDir,
  });
  try {
    await miniflare.ready;
    const ask = async (path: string) => (await miniflare.dispatchFetch(`http://measure${path}`)).json();
    const costs = async () => (await ask("/costs")) as { rowsWritten: number; databaseSizeBytes: number };
    const fill = async (from: number, to: number) => {
      for (let at = from; at < to; at += batchSize) await ask(`/fill?from=${at}&count=${batchSize}`);
    };
    const heap = async () => heapSizeBytes(await miniflare.getInspectorURL(), workerName);

    for (let batch = 0; batch < settlingBatches; batch++) await fill(keys, keys + batchSize);
    const before = { ...(await costs()), heapSizeBytes: await heap() };
    await fill(0, keysInMemory);
    const between = { ...(await costs()), heapSizeBytes: await heap() };
    await fill(keysInMemory, keys);
    const after = { ...(await costs()), heapSizeBytes: await heap() };
    await ask(`/hot?count=${hotBatch}`);
    const hot = await costs();
    return {
      keys,
      keySizeBytes,
      keysInMemory,
      idleKeySizeBytes: (between.heapSizeBytes - before.heapSizeBytes) / keysInMemory,
      heapOfAllKeysSizeBytes: after.heapSizeBytes - before.heapSizeBytes,
      idleKeyDiskSizeBytes: (after.databaseSizeBytes - before.databaseSizeBytes) / keys,
      rowsACheck: (after.rowsWritten - before.rowsWritten) / keys,
      rowsAHotCheck: (hot.rowsWritten - after.rowsWritten) / hotBatch,
    };
  } finally {
    await miniflare.dispose();
  }
}
