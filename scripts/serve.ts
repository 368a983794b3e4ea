// `npm start`: the whole platform on this machine. docs/design/running.md describes it.
import { adminKey } from "./admin-key.ts";
import { greeting } from "./greeting.ts";
import { type Platform, startPlatform } from "./platform/platform.ts";
import { endSignals } from "./platform/signals.ts";
import { StartError } from "./platform/start-error.ts";
import { readSettings } from "./settings.ts";

let platform: Platform | undefined;
let ending = false;

async function end(exitCode: number): Promise<void> {
  if (ending) return;
  ending = true;
  await platform?.stop();
  process.exit(exitCode);
}

for (const signal of endSignals) process.on(signal, () => void end(0));

try {
  const settings = readSettings(process.env);
  const admin = adminKey(process.env, ".dev.vars");
  platform = await startPlatform({ ...settings, adminKey: admin.key, signals: "caller" });
  void platform.failed.then((reason) => {
    console.error(`Breakwater ends: ${reason}`);
    return end(1);
  });
  if (!ending) console.log(greeting(platform.url, admin));
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(`Breakwater cannot start: ${error.message}`);
  process.exit(1);
}
