import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{core,contracts,client,isolate,scripts,workers/gateway}/**/*.test.ts"],
        },
      },
      "workers/ratelimiter/vitest.config.ts",
    ],
  },
});
