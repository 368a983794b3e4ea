import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { build, type Metafile } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Breakwater } from "../../client/index.ts";
import { startTestPlatform, type TestPlatform, testAdminKey } from "../harness.ts";

// Every example of client/README.md does what it says, with the file that its build command makes.

const root = fileURLToPath(new URL("../..", import.meta.url));
/** A client that grows beyond this has got a dependency, or too much to do. */
const maxBuiltSizeBytes = 32 * 1024;
const run = promisify(execFile);
const compatibilityDate = "2026-11-01";

/** Admits one, and the next after an hour. */
const policy = { algorithm: "gcra", limit: 1, windowMs: 3_600_000 } as const;

let platform: TestPlatform;
let admin: Breakwater;
let folder: string;
let readme: string;
let client: string;
let token: string;

beforeAll(async () => {
  platform = await startTestPlatform();
  admin = new Breakwater({ baseUrl: platform.url, token: testAdminKey });
  await admin.limits.put("edge", policy);
  token = (await admin.keys.create({ name: "readme", scopes: ["limits:check"] })).key;
  folder = await mkdtemp(join(tmpdir(), "breakwater-client-"));
  readme = await readFile(join(root, "client/README.md"), "utf8");
  const [, command = ""] = /npx (esbuild client\/index\.ts .*)--outfile=breakwater\.mjs/.exec(readme) ?? [];
  const [program = "", ...args] = command.trim().split(" ");
  const built = join(folder, "breakwater.mjs");
  await run(
    join(root, "node_modules/.bin", program),
    [...args, `--outfile=${built}`, `--metafile=${join(folder, "meta.json")}`],
    { cwd: root },
  );
  client = await readFile(built, "utf8");
});

afterAll(async () => {
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The example under a heading; of several in one language, all. */
function example(heading: string, language: "js" | "sh" = "js"): string {
  const section = readme.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const examples = [...section.matchAll(/```(\w+)\n(.*?)```/gs)].filter(([, found]) => found === language);
  if (examples.length === 0) throw new Error(`the README has no example under ${heading}`);
  return examples.map(([, , code]) => code).join("\n");
}

test("the built file is one small module of client/ alone, without imports", async () => {
  const { inputs, outputs } = JSON.parse(await readFile(join(folder, "meta.json"), "utf8")) as Metafile;
  expect(Object.keys(inputs).filter((path) => !path.startsWith("client/"))).toEqual([]);
  expect(Object.values(outputs).flatMap(({ imports }) => imports)).toEqual([]);
  expect(client.length).toBeLessThan(maxBuiltSizeBytes);
});

test("the Node example runs after its preparation, with nothing else", async () => {
  await writeFile(join(folder, "example.mjs"), example("Node"));
  await writeFile(join(folder, ".dev.vars"), `ADMIN_KEY=${testAdminKey}\n`);
  const script = example("Node", "sh")
    .replaceAll("http://127.0.0.1:8787", platform.url)
    .replaceAll("curl -sS", "curl -fsS");
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, env });
  expect(stdout.trim().split("\n").slice(-4)).toEqual(["go on", "charged 420", "working", "no such limit"]);
});

test("the Workers example admits and then refuses", async () => {
  // The platform's launcher is for its own workerd.
  vi.stubEnv("MINIFLARE_WORKERD_PATH", undefined);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "example",
      compatibilityDate,
      modules: [
        { type: "ESModule", path: "example.js", contents: example("Workers") },
        { type: "ESModule", path: "breakwater.mjs", contents: client },
      ],
      bindings: { BREAKWATER_URL: platform.url, BREAKWATER_KEY: token },
    }),
  );
  try {
    const first = await miniflare.dispatchFetch("http://example.test/");
    expect([first.status, await first.text()]).toEqual([200, "welcome"]);
    const second = await miniflare.dispatchFetch("http://example.test/");
    expect([second.status, await second.text()]).toEqual([429, "slow down"]);
    expect(Number(second.headers.get("retry-after"))).toBeGreaterThan(0);
  } finally {
    await miniflare.dispose();
    vi.unstubAllEnvs();
  }
});

test("the browser example runs in a realm that has what browsers have, and nothing of Node", async () => {
  await admin.limits.put("api", policy);
  const [output] = (
    await build({
      stdin: { contents: example("Browsers"), resolveDir: folder },
      bundle: true,
      format: "iife",
      platform: "browser",
      write: false,
    })
  ).outputFiles;
  const clicked: (() => Promise<void>)[] = [];
  const answer = { textContent: "" };
  const button = { addEventListener: (_: string, listener: () => Promise<void>) => clicked.push(listener) };
  const browser: Record<string, unknown> = {
    // Browsers refuse a fetch that is called as a method of something else.
    fetch(this: unknown, url: string, init: RequestInit) {
      if (this !== undefined && this !== browser && this !== context) throw new TypeError("Illegal invocation");
      return fetch(url, init);
    },
    document: { querySelector: (selector: string) => (selector === "#send" ? button : answer) },
    breakwaterUrl: platform.url,
    session: { token },
    ...{ AbortController, AbortSignal, Headers, TextDecoder, TextEncoder, URL, Uint8Array },
    ...{ clearTimeout, crypto, performance, setTimeout },
  };
  const context = createContext(browser);
  browser.window = context;
  runInContext(output?.text ?? "", context);
  await clicked[0]?.();
  expect(answer.textContent).toMatch(/^(sent|too often)$/);
  await clicked[0]?.();
  await clicked[0]?.();
  expect(answer.textContent).toBe("too often");
});
