import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { findTool, type Tool } from "./tools.ts";

/** Where and with what figures were measured; without it they say nothing. */
export interface Environment {
  readonly date: string;
  readonly commit: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly pinned: boolean;
  readonly versions: Readonly<Record<string, string>>;
}

/** Packages whose versions the figures depend on. */
const packages = ["miniflare", "workerd", "hono", "zod"];

/** Describes this machine and the versions in use. */
export function environment(): Environment {
  const processors = cpus();
  const versions: Record<string, string> = { node: process.versions.node };
  for (const name of packages) versions[name] = packageVersion(name, "../../node_modules");
  for (const name of ["rate-limiter-flexible", "ioredis"]) {
    versions[name] = packageVersion(name, "../peers/node_modules");
  }
  versions["redis-server"] = firstLine("redis-server", ["--version"]);
  versions.wrk = firstLine("wrk", ["--version"]);
  versions.k6 = firstLine("k6", ["version"]);
  versions["envoyproxy/ratelimit"] = goModuleVersion("service_cmd");
  return {
    date: new Date().toISOString(),
    commit: run("git", ["rev-parse", "--short", "HEAD"]),
    processor: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    pinned: findTool("taskset") !== undefined,
    versions,
  };
}

function packageVersion(name: string, folder: string): string {
  try {
    const file = new URL(`${folder}/${name}/package.json`, import.meta.url);
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
    return version;
  } catch {
    return "not installed";
  }
}

function firstLine(tool: Tool, args: readonly string[]): string {
  const path = findTool(tool);
  return path === undefined ? "not installed" : (run(path, args).split("\n")[0] ?? "");
}

function goModuleVersion(tool: Tool): string {
  const path = findTool(tool);
  if (path === undefined) return "not installed";
  const module = run("go", ["version", "-m", path])
    .split("\n")
    .find((line) => line.trimStart().startsWith("mod\t"));
  return module?.split("\t").at(-2) ?? module ?? "unknown";
}

function run(command: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return (stdout || stderr || "unknown").trim();
}
