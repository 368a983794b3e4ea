import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findTool } from "./tools.ts";

/** What serves runs on this core, all of it: the server, its store, and their helpers. */
export const serverCore = 0;
/** What makes the load runs on this one. */
export const loadCore = 1;

/** Longest start of a server: building bundles included. */
const readyTimeoutMs = 60_000;
/** Longest orderly end of a server. */
const stopTimeoutMs = 10_000;
/** Largest report of a load generator. */
const maxOutputSizeBytes = 16 * 1024 * 1024;

export interface Server {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where its output goes. */
  readonly logFolder: string;
  /** What it prints once it can be asked. Without it, accepting connections is enough. */
  readonly saysReady?: string;
}

/** The command that runs `command` on one core, where taskset is there to do it. */
function pinned(core: number, command: string, args: readonly string[]): [string, string[]] {
  const taskset = findTool("taskset");
  return taskset === undefined ? [command, [...args]] : [taskset, ["-c", String(core), command, ...args]];
}

/** Starts a server on the server core and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { name, port, logFolder } = options;
  if (await accepts(port)) throw new Error(`port ${port}, for ${name}, is taken`);
  mkdirSync(logFolder, { recursive: true });
  const logFile = join(logFolder, `${name}.log`);
  const log = openSync(logFile, "w");
  const [command, args] = pinned(serverCore, options.command, options.args);
  const env = { ...process.env, ...options.env };
  const child = spawn(command, args, { stdio: ["ignore", log, log], env, cwd: options.cwd });
  closeSync(log);
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  const givenUpAtMs = Date.now() + readyTimeoutMs;
  const isReady = () =>
    options.saysReady === undefined ? accepts(port) : readFileSync(logFile, "utf8").includes(options.saysReady);
  while (!(await isReady())) {
    if (failure ?? (child.exitCode !== null || Date.now() > givenUpAtMs)) {
      await stop(child);
      throw new Error(`${name} did not start: ${failure?.message ?? readFileSync(logFile, "utf8").slice(-2000)}`);
    }
    await sleep(50);
  }
  return { name, url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, stop: () => stop(child) };
}

/** Runs a load generator on the load core to its end and gives what it printed. */
export function runLoad(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [program, all] = pinned(loadCore, command, args);
  const options = { env: { ...process.env, ...env }, maxBuffer: maxOutputSizeBytes };
  return new Promise((resolve, reject) => {
    execFile(program, all, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} failed: ${stderr || error.message}`));
      else resolve(stdout);
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  await ended;
  clearTimeout(timer);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
