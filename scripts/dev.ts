// `npm run dev`: every worker under `wrangler dev`, which reloads a worker when its source changes. Its data is apart from
// that of `npm start`, in .wrangler/. PORT and HOST count as for `npm start`.
import { spawn, spawnSync } from "node:child_process";
import { adminKey } from "./admin-key.ts";
import { localBin, localBinEnv } from "./local-bin.ts";
import { StartError } from "./platform/start-error.ts";
import { workerConfigs } from "./platform/workers.ts";
import { readSettings } from "./settings.ts";

const gateway = workerConfigs.at(-1) ?? "";
// The first one is the one that answers on the port.
const configs = [gateway, ...workerConfigs.slice(0, -1)].flatMap((config) => ["--config", config]);
// wrangler sets CF-Connecting-IP itself, but from what the caller sends.
const vars = ["--var", "TRUST_CF_CONNECTING_IP:false"];
const env = { ...localBinEnv, WRANGLER_SEND_METRICS: "false" };

try {
  const { port, host } = readSettings(process.env);
  // wrangler reads .dev.vars; telling it another key would show that in the list of processes.
  const admin = adminKey({}, ".dev.vars");

  const migrated = spawnSync(
    localBin("wrangler"),
    ["d1", "migrations", "apply", "DB", "--local", "--config", gateway],
    {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...env, CI: "true" },
    },
  );
  if (migrated.status !== 0) throw new StartError("D1's migrations could not be applied: see above");

  console.log(`The admin key is in ${admin.place}.`);
  const dev = spawn(localBin("wrangler"), ["dev", ...configs, "--ip", host, "--port", String(port), ...vars], {
    stdio: "inherit",
    env,
  });
  dev.once("exit", (code) => process.exit(code ?? 1));
  // Ctrl-C reaches wrangler as well, and it ends in order.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => dev.kill(signal));
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(`Breakwater cannot start: ${error.message}`);
  process.exit(1);
}
