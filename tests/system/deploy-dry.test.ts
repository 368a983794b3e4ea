import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readWorkerConfig } from "../../scripts/platform/worker-options.ts";
import { workerConfigs } from "../../scripts/platform/workers.ts";

test("every worker bundles as wrangler deploys it", { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/deploy.ts", "--dry-run"], {
    encoding: "utf8",
    env: { ...process.env, CI: "true" },
  });
  expect(status, stdout + stderr).toBe(0);
  for (const config of workerConfigs) {
    const { name } = readWorkerConfig(config);
    expect(stdout).toContain(`Bundling ${name}`);
    expect(readdirSync(join("dist", name))).toContain("index.js");
  }
});
