// `npm start`: the whole platform on this machine. docs/design/running.md describes it.
import { enableCompileCache } from "node:module";
import { resolve } from "node:path";
import { adminKey } from "./admin-key.ts";
import { greeting } from "./greeting.ts";
import type { Platform } from "./platform/platform.ts";
import { endSignals } from "./platform/signals.ts";
import { StartError } from "./platform/start-error.ts";
import { readSettings } from "./settings.ts";

let platform: Platform | undefined;
let dataDir = "";
let ending = false;

async function end(exitCode: number): Promise<void> {
  if (ending) return;
  ending = true;
  await platform?.stop();
  if (platform !== undefined) console.log(`Stopped; the data is in ${dataDir}`);
  process.exit(exitCode);
}

for (const signal of endSignals) process.on(signal, () => void end(0));

try {
  const settings = readSettings(process.env);
  dataDir = resolve(settings.dataDir);
  const admin = adminKey(process.env, ".dev.vars");
  // wrangler takes a second to load, half of which is compiling it.
  enableCompileCache("node_modules/.cache/node");
  const { startPlatform } = await import("./platform/platform.ts");
  platform = await startPlatform({ ...settings, adminKey: admin.key, signals: "caller" });
  void platform.failed.then((reason) => {
    console.error(`Breakwater ends: ${reason}`);
    return end(1);
  });
  console.log(greeting(platform.url, admin, settings.vars.PLATFORM_HOST));
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(`Breakwater cannot start: ${error.message}`);
  process.exit(1);
}
