// rate-limiter-flexible with Redis behind Node's own HTTP server: the same request and answer as Breakwater's check.
// node rate-limiter-flexible.mjs PORT REDIS_PORT
import { createServer } from "node:http";
import { Redis } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";

const [port, redisPort] = process.argv.slice(2).map(Number);
const limitValue = 1_000_000_000;
// Automatic pipelining is the faster way to run it: the commands of one turn share a write.
const redis = new Redis({ host: "127.0.0.1", port: redisPort, enableAutoPipelining: true });
const limiter = new RateLimiterRedis({ storeClient: redis, points: limitValue, duration: 60, keyPrefix: "bench" });

async function decide({ limit, key, cost }) {
  try {
    const { remainingPoints, msBeforeNext } = await limiter.consume(key, cost);
    return result(limit, key, true, remainingPoints, msBeforeNext);
  } catch (refusal) {
    if (refusal instanceof Error) throw refusal;
    return result(limit, key, false, refusal.remainingPoints, refusal.msBeforeNext);
  }
}

function result(limit, key, allowed, remaining, resetMs) {
  return { limit, key, allowed, limitValue, remaining, resetMs, retryAfterMs: allowed ? 0 : resetMs };
}

createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", async () => {
    try {
      const { checks } = JSON.parse(Buffer.concat(chunks).toString());
      const results = await Promise.all(checks.map(decide));
      const allowed = results.every((each) => each.allowed);
      const body = JSON.stringify({ allowed, results });
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      response.writeHead(allowed ? 200 : 429, headers).end(body);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
}).listen(port, "127.0.0.1", () => console.log(`Ready on http://127.0.0.1:${port}`));
