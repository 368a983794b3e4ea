import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Programs that are not in package.json, and how to get them. `bench/.tools` is ignored by git. */
const tools = {
  wrk: "apt-get install wrk",
  "redis-server": "apt-get install redis-server",
  service_cmd: "GOBIN=$PWD/bench/.tools go install github.com/envoyproxy/ratelimit/src/service_cmd@latest",
  k6: "GOBIN=$PWD/bench/.tools go install go.k6.io/k6@latest",
  taskset: "apt-get install util-linux",
} as const;

export type Tool = keyof typeof tools;

/** Where tools are looked for besides PATH: `BENCH_TOOLS`, and `bench/.tools`. */
function searchPath(): string[] {
  const own = fileURLToPath(new URL("../.tools", import.meta.url));
  const named = process.env.BENCH_TOOLS;
  return [...(named ? [named] : []), own, ...(process.env.PATH ?? "").split(delimiter)].filter(Boolean);
}

/** The path of a tool, `undefined` when it is not installed. */
export function findTool(tool: Tool): string | undefined {
  for (const folder of searchPath()) {
    const path = join(folder, tool);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** How to install `tool`, from the repository's root. */
export function howToInstall(tool: Tool): string {
  return `${tool} is missing. Install it with:\n    ${tools[tool]}\n  or put it into bench/.tools, or name its folder in BENCH_TOOLS.`;
}

/** The path of a tool that the measurement cannot do without. @throws Error that says how to install it */
export function needTool(tool: Tool): string {
  const path = findTool(tool);
  if (path === undefined) throw new Error(howToInstall(tool));
  return path;
}
