import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isAlive } from "../../scripts/platform/processes.ts";
import { Served, scratchFolder } from "./served.ts";

let folder: ReturnType<typeof scratchFolder>;
const started: Served[] = [];

beforeEach(() => {
  folder = scratchFolder();
});

afterEach(async () => {
  for (const served of started.splice(0)) await served.end();
  folder.remove();
});

/** Starts it in the background; it is ended after the test. */
function serve(...args: ConstructorParameters<typeof Served>): Served {
  const served = new Served(...args);
  started.push(served);
  return served;
}

/** Expects that the start fails with code 1 and one line that matches. */
async function expectRefusal(served: Served, line: RegExp): Promise<void> {
  expect(await served.exited).toBe(1);
  expect(served.stderr).toMatch(line);
  expect(served.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(served.stdout).toBe("");
}

test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("OP-4 %s ends the platform with exit code 0", async (signal) => {
  const served = serve(folder.path);
  await served.ready();
  const workerd = served.workerdPid ?? Number.NaN;
  expect(isAlive(workerd)).toBe(true);

  served.signal(signal);

  expect(await served.exited).toBe(0);
  expect(isAlive(workerd)).toBe(false);
  expect(served.stderr).toBe("");
  expect(served.stdout.trimEnd().split("\n").at(-1)).toBe(`Stopped; the data is in ${folder.path}`);
});

test("OP-4 SIGTERM to npm start ends npm with exit code 0 and leaves nothing running", async () => {
  const served = serve(folder.path, { command: ["npm", "start"] });
  await served.ready();

  served.signal("SIGTERM");

  expect(await served.exited).toBe(0);
  expect(served.workerdPid).toBeUndefined();
});

test("OP-4 SIGTERM during the start ends it with exit code 0 and leaves nothing running", async () => {
  const served = serve(folder.path);
  // From here on the runtime is about to be started.
  await served.until(() => served.holdsDataDir);

  served.signal("SIGTERM");

  expect(await served.exited).toBe(0);
  expect(served.workerdPid).toBeUndefined();
});

test("OP-2 a second start on the same DATA_DIR is refused and leaves the first alone", async () => {
  const first = serve(folder.path);
  await first.ready();

  await expectRefusal(
    serve(folder.path),
    new RegExp(`DATA_DIR .* is in use by process ${first.nodePid}: stop it, or set`),
  );

  expect((await first.admin.get("/readyz")).status).toBe(200);
});

test("OP-2 of two starts at the same time on one DATA_DIR one runs", async () => {
  const pair = [serve(folder.path), serve(folder.path)];

  const outcomes = await Promise.allSettled(pair.map((served) => served.ready()));

  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("OP-3 a taken port", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await expectRefusal(
    serve(folder.path, { env: { PORT: String(port) } }),
    new RegExp(`Port ${port} of 127.0.0.1 is taken`),
  );
  other.close();
});

test("OP-3 a DATA_DIR that cannot be written", async () => {
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  await expectRefusal(serve(join(file, "data")), /DATA_DIR .*file\/data cannot be written: ENOTDIR/);
});

test.each([
  ["PORT", "eighty", /PORT is "eighty": it must be a whole number from 0 to 65535/],
  ["PORT", "65536", /PORT is "65536"/],
  ["HOST", "192.0.2.1", /HOST is no address of this machine/],
  ["ADMIN_KEY", "short", /ADMIN_KEY in the environment has 5 characters: it needs 32 or more/],
  ["LOG_LEVEL", "loud", /LOG_LEVEL is "loud": it must be one of/],
  ["RATE_LIMITER_SHARDS", "0", /RATE_LIMITER_SHARDS is "0"/],
  ["TRUST_CF_CONNECTING_IP", "yes", /TRUST_CF_CONNECTING_IP is "yes"/],
])("OP-3 %s=%s", async (name, value, line) => {
  // A port of its own, or the address would not be looked at.
  const env = name === "HOST" ? { HOST: value, PORT: "18787" } : { [name]: value };
  await expectRefusal(serve(folder.path, { env }), line);
});

test.each([
  ["that is missing", undefined, /workers\/control\/wrangler\.toml is not valid: .*[Cc]ould not read/],
  ["that is no TOML", 'name = "unfinished', /workers\/control\/wrangler\.toml is not valid: /],
  [
    "with a wrong type",
    'name = "a"\nmain = "a.ts"\nvars = 7',
    /workers\/control\/wrangler\.toml is not valid: .*"vars"/,
  ],
])("OP-3 a wrangler.toml %s", async (_, text, line) => {
  const control = join(folder.path, "workers", "control");
  mkdirSync(control, { recursive: true });
  if (text !== undefined) writeFileSync(join(control, "wrangler.toml"), text);
  await expectRefusal(serve(join(folder.path, "data"), { cwd: folder.path }), line);
});

test("OP-1 OP-2 the workerd that a killed Node left behind, with port and data, is ended by the next start", async () => {
  const first = serve(folder.path);
  await first.ready();
  const [leftover, port] = [first.workerdPid ?? Number.NaN, new URL(first.url).port];
  await first.kill("node");
  expect(isAlive(leftover)).toBe(true);

  const second = serve(folder.path, { env: { PORT: port } });
  await second.ready();

  expect(second.workerdPid).not.toBe(leftover);
  expect(isAlive(leftover)).toBe(false);
});

test("OP-2 a process that merely has the recorded pid is left alone", async () => {
  // This very process stands for whatever has got the pid since.
  writeFileSync(join(folder.path, "workerd.pid"), `${process.pid}\n`);
  const served = serve(folder.path);
  await served.ready();
  expect(isAlive(process.pid)).toBe(true);
});

test("OP-1 a workerd that cannot be kept running ends the platform with exit code 1", async () => {
  const served = serve(folder.path);
  await served.ready();
  const kills = 10;
  for (let n = 0; n < kills && served.running; n++) {
    await served.kill("workerd");
    await served.until(() => served.workerdPid !== undefined || !served.running);
  }
  expect(await served.exited).toBe(1);
  expect(served.stderr).toMatch(/^Breakwater ends: /m);
});
