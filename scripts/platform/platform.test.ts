import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Platform, type PlatformOptions, startPlatform } from "./platform.ts";
import { type StubWorkers, writeStubWorkers } from "./testing/stub-workers.ts";

const adminKey = "an-admin-key-of-more-than-32-characters";

let folder: string;
let stubs: StubWorkers;
let logged: string[];
const started: Platform[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "breakwater platform-"));
  stubs = writeStubWorkers(folder);
  logged = [];
});

afterEach(async () => {
  for (const platform of started.splice(0)) await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: Partial<PlatformOptions> = {}): Promise<Platform> {
  const platform = await startPlatform({
    port: 0,
    host: "127.0.0.1",
    dataDir: join(folder, "data"),
    adminKey,
    configs: stubs.configs,
    log: (line) => logged.push(line),
    ...options,
  });
  started.push(platform);
  return platform;
}

async function ask<T = unknown>(platform: Platform, path: string): Promise<T> {
  return (await (await fetch(platform.url + path)).json()) as T;
}

const query = <T>(platform: Platform, sql: string) => ask<T>(platform, `/sql?q=${encodeURIComponent(sql)}`);
const migration = (name: string, sql: string) => writeFileSync(join(stubs.migrationsFolder, name), sql);

test("objects and databases keep their data over a restart", async () => {
  migration("0001_things.sql", "CREATE TABLE things (name TEXT);");
  const first = await start();
  expect(await ask(first, "/count")).toMatchObject({ count: 1 });
  await query(first, "INSERT INTO things VALUES ('kept')");
  await first.stop();

  const second = await start();
  expect(await ask(second, "/count")).toMatchObject({ count: 2 });
  expect(await query(second, "SELECT name FROM things")).toEqual([{ name: "kept" }]);
});

test("a variable reaches the workers that declare it, the admin key the gateway alone", async () => {
  const platform = await start({ vars: { SHARED: "given", UNDECLARED: "given" } });

  expect(await ask(platform, "/env")).toMatchObject({ SHARED: "given", COLOUR: "red", ADMIN_KEY: adminKey });
  expect(await ask(platform, "/env")).not.toHaveProperty("UNDECLARED");
  const owner = await ask<{ env: string[]; shared: string }>(platform, "/count");
  expect(owner.shared).toBe("given");
  expect(owner.env).not.toContain("ADMIN_KEY");
});

test("a migration is applied once, in the order of names, and recorded as wrangler does", async () => {
  migration("0001_a.sql", "CREATE TABLE a (x); -- one; statement\n--> statement-breakpoint\nINSERT INTO a VALUES (1);");
  await (await start()).stop();
  migration("0002_b.sql", "INSERT INTO a VALUES (2);");
  const platform = await start();

  expect(await query(platform, "SELECT x FROM a")).toEqual([{ x: 1 }, { x: 2 }]);
  expect(await query(platform, "SELECT id, name FROM d1_migrations")).toEqual([
    { id: 1, name: "0001_a.sql" },
    { id: 2, name: "0002_b.sql" },
  ]);
});

test("a migration that fails leaves nothing behind, and the next start tries it again", async () => {
  migration("0001_a.sql", "CREATE TABLE a (x);");
  migration("0002_b.sql", "INSERT INTO a VALUES (1); INSERT INTO missing VALUES (1);");
  await expect(start()).rejects.toThrow(/0002_b\.sql failed: .*no such table: missing/);

  migration("0002_b.sql", "INSERT INTO a VALUES (1);");
  expect(await query(await start(), "SELECT x FROM a")).toEqual([{ x: 1 }]);
});

test("data that a newer version has migrated is refused", async () => {
  migration("0001_a.sql", "CREATE TABLE a (x);");
  migration("0002_b.sql", "CREATE TABLE b (x);");
  await (await start()).stop();
  rmSync(join(stubs.migrationsFolder, "0002_b.sql"));

  await expect(start()).rejects.toThrow(/data is of a newer version: .* lacks the applied migration 0002_b\.sql/);
});

test("cron triggers run", async () => {
  const platform = await start();
  await platform.runScheduled();
  expect(await query(platform, "SELECT cron FROM runs")).toEqual([{ cron: "* * * * *" }]);
});

test("a cron trigger that nothing would run is refused", async () => {
  const [, gateway] = stubs.configs;
  writeFileSync(
    gateway ?? "",
    `name = "g"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[triggers]\ncrons = ["0 3 * * *"]\n`,
  );
  await expect(start()).rejects.toThrow('g: cron "0 3 * * *" is not run locally');
});

test("workerd is started again when it ends by itself, on the same port and data", async () => {
  const platform = await start();
  await ask(platform, "/count");
  const before = platform.workerdPid() ?? Number.NaN;

  process.kill(before, "SIGKILL");
  let answer: unknown;
  while (answer === undefined) answer = await ask(platform, "/count").catch(() => sleep(10));

  expect(answer).toMatchObject({ count: 2 });
  expect(platform.workerdPid()).not.toBe(before);
  expect(logged.join()).toMatch(/crashed unexpectedly/);
  await platform.runScheduled();
});

test("a stop lets requests in flight end", async () => {
  const platform = await start();
  const slow = fetch(`${platform.url}/slow`).then((response) => response.text());
  while (!logged.includes("slow begins")) await sleep(10);

  await platform.stop();

  expect(await slow).toBe("done");
  await expect(fetch(`${platform.url}/healthz`)).rejects.toThrow();
});

test("what workers log is passed on", async () => {
  const platform = await start();
  await fetch(`${platform.url}/anything`);
  while (logged.length === 0) await sleep(10);
  expect(logged).toContain("logged /anything");
});

test("a worker that does not compile or throws at once is named", async () => {
  const [owner] = stubs.configs;
  const source = join(owner ?? "", "..", "index.ts");
  writeFileSync(source, "export default { fetch( { } }");
  await expect(start()).rejects.toThrow(/owner\/index\.ts does not bundle: .*ERROR/);
  writeFileSync(source, `throw new Error("boom"); export default {};`);
  await expect(start()).rejects.toThrow(/The runtime does not start: .*stub-owner: Uncaught Error: boom/);
});
