import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/**
 * Whether process `pid` runs or still holds files and ports. One that has ended, but that nobody has waited for, does not.
 *
 * A killed process loses its command line some time before its sockets, so that says nothing here.
 */
export function isAlive(pid: number): boolean {
  if (process.platform !== "linux") return commandLine(pid) !== "";
  try {
    const [, state] = /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    // Files are shared by the threads: they are closed when the last one has gone.
    return state !== "Z" || readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

/**
 * The command line of process `pid`, its arguments separated by single spaces; empty when the process has ended.
 * From `/proc` on Linux, where `ps` may be missing, and from `ps` elsewhere.
 */
export function commandLine(pid: number): string {
  if (process.platform !== "linux") {
    return spawnSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? "";
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
