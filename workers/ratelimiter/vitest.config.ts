import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

// The objects of this worker alone, in workerd. What crosses workers is tested in tests/system on the whole platform.
export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  plugins: [
    cloudflareTest({
      main: "./workers/ratelimiter/test/worker.ts",
      additionalExports: { RateLimiterService: "WorkerEntrypoint" },
      miniflare: {
        compatibilityDate: "2026-11-01",
        compatibilityFlags: ["nodejs_compat"],
        bindings: { RATE_LIMITER_SHARDS: "4" },
        durableObjects: {
          RATE_LIMITER: { className: "RateLimiter", useSQLite: true },
          LOCATION_HUB: { className: "FixedHub", useSQLite: true },
        },
      },
    }),
  ],
  test: { name: "ratelimiter", include: ["{durable-objects/rate-limiter,workers/ratelimiter}/**/*.test.ts"] },
});
