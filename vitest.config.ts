import { defineConfig } from "vitest/config";

/** A platform is a workerd of its own that wants a core, so those that start one run one after the other. */
const wholePlatform = { fileParallelism: false, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{bench,core,contracts,client,isolate,scripts,workers/gateway}/**/*.test.ts"],
          exclude: ["scripts/platform/**"],
        },
      },
      // The objects, in workerd: one project for each worker that owns some.
      "workers/*/vitest.config.ts",
      // The whole platform over HTTP, started for each file.
      {
        test: {
          ...wholePlatform,
          name: "system",
          include: ["tests/{system,e2e}/**/*.test.ts", "scripts/platform/**/*.test.ts"],
          testTimeout: 30_000,
          sequence: { groupOrder: 1 },
        },
      },
      // `npm start` as a process of its own, and what happens when it is killed.
      {
        test: {
          ...wholePlatform,
          name: "faults",
          include: ["tests/faults/**/*.test.ts"],
          testTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
