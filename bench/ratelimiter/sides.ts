import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Breakwater } from "../../client/index.ts";
import { type Server, startServer } from "../harness/processes.ts";
import { needTool } from "../harness/tools.ts";
import { limitName, limitValue, windowMs } from "./loads.ts";
import { type ObjectCalls, readObjectCalls } from "./object-calls.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const peers = join(root, "bench/peers");

/** What each server of this repository prints when it is. */
const saysReady = "Ready on http";

/** Something that decides over HTTP. */
export interface Side {
  readonly server: Server;
  readonly token?: string;
  /** What has been asked of its objects so far, where it counts that. */
  readonly objectCalls?: () => Promise<ObjectCalls>;
  stop(): Promise<void>;
}

/** Breakwater as `npm start` runs it, with the limit of the loads and a key that may only check. */
export async function startBreakwater(folder: string, shards: number): Promise<Side> {
  const port = await freePort();
  const adminKey = randomBytes(24).toString("hex");
  const server = await startServer({
    name: "breakwater",
    command: process.execPath,
    args: ["scripts/serve.ts"],
    cwd: root,
    port,
    saysReady,
    env: {
      PORT: String(port),
      DATA_DIR: join(folder, "breakwater"),
      ADMIN_KEY: adminKey,
      RATE_LIMITER_SHARDS: String(shards),
      LOG_LEVEL: "error",
    },
    logFolder: folder,
  });
  const admin = new Breakwater({ baseUrl: server.url, token: adminKey });
  // failMode closed: an answer that the object did not give is a 429, which the load generator counts.
  await admin.limits.put(limitName, { algorithm: "gcra", limit: limitValue, windowMs, failMode: "closed" });
  const { key } = await admin.keys.create({ name: "bench", scopes: ["limits:check"] });
  const objectCalls = () => readObjectCalls(server.url, adminKey);
  return { server, token: key, objectCalls, stop: server.stop };
}

/** The bare Worker. */
export async function startBare(folder: string, shards: number): Promise<Side> {
  const port = await freePort();
  const args = [join(root, "bench/bare/serve.ts"), String(port), join(folder, "bare"), String(shards)];
  const command = process.execPath;
  const server = await startServer({ name: "bare", command, args, port, saysReady, logFolder: folder });
  return { server, stop: server.stop };
}

/** Whether a Redis forgets every count when it ends, its fastest way, or syncs each turn of writes before it answers. */
export type Persistence = "forgets" | "syncs";

/** envoyproxy/ratelimit as it comes, with a Redis of its own. */
export async function startEnvoy(folder: string, persistence: Persistence): Promise<Side> {
  const name = `envoyproxy-ratelimit-${persistence}`;
  const redis = await startRedis(folder, `redis-${name}`, persistence);
  const [port, grpcPort, debugPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const server = await startServer({
    name,
    command: needTool("service_cmd"),
    args: [],
    port,
    env: {
      RUNTIME_ROOT: join(peers, "envoyproxy-ratelimit"),
      RUNTIME_SUBDIRECTORY: ".",
      RUNTIME_APPDIRECTORY: "config",
      RUNTIME_WATCH_ROOT: "false",
      USE_STATSD: "false",
      LOG_LEVEL: "error",
      REDIS_SOCKET_TYPE: "tcp",
      REDIS_URL: redis.url.replace("http://", ""),
      HOST: "127.0.0.1",
      PORT: String(port),
      GRPC_HOST: "127.0.0.1",
      GRPC_PORT: String(grpcPort),
      DEBUG_HOST: "127.0.0.1",
      DEBUG_PORT: String(debugPort),
    },
    logFolder: folder,
  });
  return { server, stop: () => stopAll(server, redis) };
}

/** rate-limiter-flexible behind Node's HTTP server, with a Redis of its own. */
export async function startFlexible(folder: string, persistence: Persistence): Promise<Side> {
  installPeers();
  const name = `rate-limiter-flexible-${persistence}`;
  const redis = await startRedis(folder, `redis-${name}`, persistence);
  const port = await freePort();
  const redisPort = new URL(redis.url).port;
  const server = await startServer({
    name,
    command: process.execPath,
    args: [join(peers, "rate-limiter-flexible.mjs"), String(port), redisPort],
    port,
    saysReady,
    logFolder: folder,
  });
  return { server, stop: () => stopAll(server, redis) };
}

async function startRedis(folder: string, name: string, persistence: Persistence): Promise<Server> {
  const port = await freePort();
  const dataDir = join(folder, name);
  mkdirSync(dataDir, { recursive: true });
  const persist = persistence === "syncs" ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dataDir, "--save", "", ...persist];
  return startServer({ name, command: needTool("redis-server"), args, port, logFolder: folder });
}

async function stopAll(...servers: readonly Server[]): Promise<void> {
  for (const server of servers) await server.stop();
}

function installPeers(): void {
  const lock = join(peers, "package-lock.json");
  const installed = join(peers, "node_modules/.package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.log("Installing the peers' packages (npm ci in bench/peers), once …");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: peers, stdio: "inherit" });
  if (status !== 0) throw new Error("npm ci in bench/peers failed");
}

/** A port that nothing listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
