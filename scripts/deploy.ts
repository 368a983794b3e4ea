// `npm run deploy`: D1's migrations, then every worker in the order of their dependencies. With `--dry-run` each worker is
// only bundled into dist/, without a network or an account. Other arguments (`--env staging`) go to wrangler.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { localBin, localBinEnv } from "./local-bin.ts";
import { readWorkerConfig } from "./platform/worker-options.ts";
import { workerConfigs } from "./platform/workers.ts";

// Reading the configuration quietens wrangler for this process; what it does here is to be seen.
const logLevel = "log";
const dryRun = process.argv.includes("--dry-run");
const passedOn = process.argv.slice(2).filter((argument) => argument !== "--dry-run");

if (!dryRun) {
  const gateway = workerConfigs.at(-1) ?? "";
  wrangler("d1", "migrations", "apply", "DB", "--remote", "--config", gateway);
}
for (const config of workerConfigs) {
  const { name } = readWorkerConfig(config);
  console.log(`\n${dryRun ? "Bundling" : "Deploying"} ${name}`);
  wrangler("deploy", "--config", config, ...(dryRun ? ["--dry-run", "--outdir", resolve("dist", name)] : []));
}

function wrangler(...args: string[]): void {
  const { status, error } = spawnSync(localBin("wrangler"), [...args, ...passedOn], {
    stdio: "inherit",
    env: { ...localBinEnv, WRANGLER_LOG: logLevel, WRANGLER_SEND_METRICS: "false" },
  });
  if (status === 0) return;
  console.error(`wrangler ${args.join(" ")} failed${error === undefined ? "" : `: ${error.message}`}`);
  process.exit(1);
}
