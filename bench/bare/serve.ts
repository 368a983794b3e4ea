/** Serves the bare Worker the way `npm start` serves Breakwater: workerd's own socket, data on disk. `node serve.ts PORT DATA_DIR SHARDS` */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

const port = Number(process.argv[2]);
const dataDir = process.argv[3];
const shards = process.argv[4];
if (!Number.isSafeInteger(port) || !dataDir || !shards) {
  throw new Error("usage: node bench/bare/serve.ts PORT DATA_DIR SHARDS");
}

const bundle = await build({
  entryPoints: [fileURLToPath(new URL("worker.ts", import.meta.url))],
  bundle: true,
  format: "esm",
  target: "es2024",
  external: ["cloudflare:*", "node:*"],
  write: false,
});

const miniflare = new Miniflare({
  ...convertV4MiniflareOptions({
    name: "bare",
    modules: true,
    script: bundle.outputFiles[0]?.text ?? "",
    compatibilityDate: "2026-11-01",
    bindings: { SHARDS: shards },
    durableObjects: { COUNTERS: { className: "Counters", useSQLite: true } },
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  }),
  resourcePersistencePath: dataDir,
});
await miniflare.ready;
console.log(`Ready on http://127.0.0.1:${port}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void miniflare.dispose().then(() => process.exit(0)));
}
