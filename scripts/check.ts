// `npm run check`: everything that can be said of the sources without running them. Prints a line for each step, what is
// wrong where something is, and how many steps passed; exits with 1 when one did not.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { guaranteeViolations } from "./check/guarantees.ts";
import { importViolations } from "./check/imports.ts";
import { purityViolations } from "./check/purity.ts";
import { type Source, sources, type Violation } from "./check/source.ts";
import { missingMigrations } from "./generate/migrations.ts";
import { openapi } from "./generate/openapi.ts";
import { workerTypes } from "./generate/worker-types.ts";
import { localBin, localBinEnv } from "./local-bin.ts";

/** A step yields what is wrong, as text for a person; nothing when all is well. */
interface Step {
  readonly name: string;
  run(): Promise<string>;
}

/** Most steps at a time: each takes a core. */
const concurrency = 2;

const steps: readonly Step[] = [
  tool("types: workers", "tsc", "-p", "tsconfig.workers.json"),
  tool("types: scripts and tests", "tsc", "-p", "tsconfig.node.json"),
  tool("types: core", "tsc", "-p", "tsconfig.core.json"),
  tool("lint and format", "biome", "ci", "--colors=off", "."),
  tool("unused files, exports and dependencies", "knip"),
  { name: "direction of imports", run: async () => inLines(importViolations(sources())) },
  { name: "purity of core", run: async () => inLines(purityViolations(sources())) },
  { name: "guarantees have tests", run: async () => inLines(guaranteeViolations(await spec(), sources())) },
  { name: "generated: worker types and OpenAPI", run: staleFiles },
  { name: "generated: migrations", run: async () => stale(await missingMigrations()) },
];

const waiting = [...steps];
let failed = 0;
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await report(step);
  }),
);
console.log(`${steps.length - failed} of ${steps.length} checks passed`);
process.exitCode = failed === 0 ? 0 : 1;

async function report({ name, run }: Step): Promise<void> {
  const startedMs = performance.now();
  const wrong = await run().catch((error: unknown) => String(error instanceof Error ? error.stack : error));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (wrong !== "") failed += 1;
  console.log(
    `${wrong === "" ? "ok    " : "FAILED"} ${name} (${seconds} s)${wrong === "" ? "" : `\n${indented(wrong)}`}`,
  );
}

/** The command `name` of node_modules/.bin; wrong is what it prints when it fails. */
function tool(step: string, name: string, ...args: string[]): Step {
  return {
    name: step,
    run: () =>
      new Promise((resolve, reject) => {
        const child = spawn(localBin(name), args, { env: localBinEnv, stdio: ["ignore", "pipe", "pipe"] });
        let output = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
        child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
        child.once("error", reject);
        child.once("close", (code) => resolve(code === 0 ? "" : output || `${name} ended with ${code}`));
      }),
  };
}

async function spec(): Promise<Source> {
  return { path: "docs/SPEC.md", text: await readFile("docs/SPEC.md", "utf8") };
}

async function staleFiles(): Promise<string> {
  const paths: string[] = [];
  for (const { path, content } of [...workerTypes(), ...openapi()]) {
    const committed = await readFile(path, "utf8").catch(() => "");
    if (committed !== (await content())) paths.push(path);
  }
  return stale(paths);
}

function stale(paths: readonly string[]): string {
  return paths.map((path) => `${path} is not up to date: npm run generate`).join("\n");
}

function inLines(violations: readonly Violation[]): string {
  return violations.map(({ path, line, message }) => `${path}:${line} ${message}`).join("\n");
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, "       ");
}
