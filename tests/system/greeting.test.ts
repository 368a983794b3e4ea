import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { greeting } from "../../scripts/greeting.ts";
import { startTestPlatform, testAdminKey } from "../harness.ts";

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

test.skipIf(!hasCurl).each([
  ["", undefined],
  [", with PLATFORM_HOST too", "api.example.com"],
])("the curl line that npm start prints works when pasted%s", async (_, host) => {
  const platform = await startTestPlatform(host === undefined ? {} : { PLATFORM_HOST: host });
  try {
    const admin = { key: testAdminKey, place: "the environment", expression: "$ADMIN_KEY" };
    const line = greeting(platform.url, admin, host)
      .split("\n")
      .find((text) => text.includes("curl"));
    const env = { ...process.env, ADMIN_KEY: testAdminKey };
    const { stdout } = await promisify(execFile)("sh", ["-c", line ?? "exit 1"], { env });
    expect(JSON.parse(stdout)).toMatchObject({ allowed: true, results: [{ limit: "demo", key: "user:1" }] });
  } finally {
    await platform.stop();
  }
});
