import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runLoad } from "./processes.ts";
import { needTool } from "./tools.ts";

/** Connections of every ceiling: enough to keep a core busy, few enough that queues stay short. */
export const connections = 64;

const script = fileURLToPath(new URL("../lua/post-lines.lua", import.meta.url));

/** A load: the same bodies in turn, as fast as they are answered. */
export interface Load {
  readonly url: string;
  readonly bodiesFile: string;
  readonly token?: string;
}

export interface WrkResult {
  /** Answers with a status below 400 a second. */
  readonly answersPerSecond: number;
  /** Answers with status 400 and above: a refusal, or the fail mode, where nothing should be refused. */
  readonly refused: number;
  /** Requests that found no answer. */
  readonly broken: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** Writes request bodies, one a line, for `runWrk`. */
export function writeBodies(folder: string, name: string, bodies: readonly unknown[]): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.jsonl`);
  writeFileSync(file, bodies.map((body) => `${JSON.stringify(body)}\n`).join(""));
  return file;
}

/** Runs wrk for `seconds`. */
export async function runWrk(load: Load, seconds: number): Promise<WrkResult> {
  const { url, bodiesFile, token } = load;
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, url, "--", bodiesFile];
  const output = await runLoad(needTool("wrk"), token === undefined ? args : [...args, token]);
  const line = output.trimEnd().split("\n").at(-1) ?? "";
  const said = JSON.parse(line) as Record<string, number>;
  const of = (name: string) => said[name] ?? Number.NaN;
  return {
    answersPerSecond: ((of("requests") - of("refused")) / of("durationUs")) * 1e6,
    refused: of("refused"),
    broken: of("broken"),
    p50Ms: of("p50Us") / 1000,
    p99Ms: of("p99Us") / 1000,
    p999Ms: of("p999Us") / 1000,
  };
}
