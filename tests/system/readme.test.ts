import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { readWorkerConfig } from "../../scripts/platform/worker-options.ts";
import { startTestPlatform, type TestPlatform, testAdminKey } from "../harness.ts";

// The tour of the README, pasted into a shell from top to bottom.

const run = promisify(execFile);
let platform: TestPlatform;
let folder: string;

beforeAll(async () => {
  platform = await startTestPlatform();
  folder = await mkdtemp(join(tmpdir(), "breakwater-readme-"));
  await writeFile(join(folder, ".dev.vars"), `ADMIN_KEY="${testAdminKey}"\n`);
});

afterAll(async () => {
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("every example of the README works when it is pasted", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const examples = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, code]) => code);
  expect(examples.length).toBeGreaterThan(8);
  // `-f` makes curl fail where the platform refuses, and with it the script.
  const script = examples
    .join("\n")
    .replaceAll("http://127.0.0.1:8787", platform.url)
    .replaceAll("curl -sS", "curl -fsS");
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, timeout: 60_000 });
  expect(stdout).toContain('"allowed":true');
  expect(stdout).toMatch(/idempotency-replayed: true/i);
  expect(stdout).toContain('"charged":42');
  // The tenant's own limit of the same name.
  expect(stdout).toMatch(/"allowed":true.*"limitValue":7,"remaining":6/);
  expect(stdout).toContain('breakwater_ratelimit_decisions_total{tenant="default",limit="api"');
  expect(stdout).toContain('"status":"ready"');
});

test("the README's service binding names what the rate limiter's worker exports", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const [, toml = ""] = /```toml\n(.*?)```/s.exec(readme) ?? [];
  const config = join(folder, "wrangler.toml");
  await writeFile(config, `name = "caller"\nmain = "caller.js"\ncompatibility_date = "2026-11-01"\n${toml}`);
  const { services } = unstable_readConfig({ config }, { hideWarnings: true });
  const { name, main } = readWorkerConfig("workers/ratelimiter/wrangler.toml");
  expect(services).toEqual([
    { binding: "LIMITS", service: name, entrypoint: "RateLimiterService", props: { tenant: "acme" } },
  ]);
  expect(await readFile(main, "utf8")).toContain("export { RateLimiterService }");
});
