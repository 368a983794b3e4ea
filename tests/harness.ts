import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Platform, startPlatform } from "../scripts/platform/platform.ts";
import { Caller } from "./http.ts";

/** The administrator's key of every platform that tests start. */
export const testAdminKey = "test-admin-key-that-is-32-characters-long";

export interface NewKey {
  readonly scopes: readonly string[];
  readonly tenant?: string;
  readonly name?: string;
}

/** A whole platform of its own: a free port, data that goes with it, and callers. */
export interface TestPlatform extends Platform {
  /** Holds every scope, in the tenant `default`. */
  readonly admin: Caller;
  /** Sends no credential. */
  readonly anonymous: Caller;
  /** Makes an API key and yields who calls with it. */
  caller(key: NewKey): Promise<Caller & { readonly keyId: string }>;
  /** Every line that workers and runtime have logged so far. */
  readonly logged: readonly string[];
}

/**
 * Starts the platform for one test file: `const platform = await startTestPlatform()` in `beforeAll`,
 * `await platform.stop()` in `afterAll`.
 *
 * @param vars variables that win over those in wrangler.toml.
 */
export async function startTestPlatform(vars: Readonly<Record<string, string>> = {}): Promise<TestPlatform> {
  const dataDir = await mkdtemp(join(tmpdir(), "breakwater-test-"));
  const logged: string[] = [];
  const platform = await startPlatform({
    port: 0,
    host: "127.0.0.1",
    dataDir,
    adminKey: testAdminKey,
    vars: { TRUST_CF_CONNECTING_IP: "false", LOG_LEVEL: "warn", ...vars },
    log: (line) => logged.push(line),
  });
  const admin = new Caller(platform.url, testAdminKey);
  return {
    ...platform,
    admin,
    anonymous: new Caller(platform.url),
    logged,
    caller: async ({ scopes, tenant = "default", name = "test" }) => {
      const { status, body } = await admin.post<{ id: string; key: string }>("/v1/keys", { name, tenant, scopes });
      if (status !== 201) throw new Error(`No key was made: ${status} ${JSON.stringify(body)}`);
      return Object.assign(new Caller(platform.url, body.key), { keyId: body.id });
    },
    stop: async () => {
      await platform.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
