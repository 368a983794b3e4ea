// Runs before every npm script that needs the dependencies. Plain JavaScript without imports from node_modules, for any
// Node from 20 on: it is what makes `npm start` and `npm test` the only command on a fresh machine.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";

const modifiedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs;
const installedMs = modifiedMs("node_modules/.package-lock.json");
const lockedMs = modifiedMs("package-lock.json");

if (installedMs === undefined || installedMs < lockedMs) {
  console.log("Installing dependencies (npm ci), once …");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund"];
  const { status } = npm
    ? spawnSync(process.execPath, [npm, ...args], { stdio: "inherit" })
    : spawnSync("npm", args, { stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) {
    console.error("npm ci failed; see above. Is the registry reachable?");
    process.exit(1);
  }
}
