import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const root = new URL("../..", import.meta.url).pathname;

// The control plane's objects and the database, in workerd. What crosses workers is tested in tests/system.
export default defineConfig({
  root,
  plugins: [
    cloudflareTest({
      main: "./workers/control/src/index.ts",
      miniflare: {
        compatibilityDate: "2026-11-01",
        compatibilityFlags: ["nodejs_compat"],
        d1Databases: ["DB"],
        bindings: { MIGRATIONS: await readD1Migrations(`${root}/migrations/d1`) },
        durableObjects: {
          LOCATION_HUB: { className: "LocationHub", useSQLite: true },
          ROOT_HUB: { className: "RootHub", useSQLite: true },
          SWITCHES: { className: "Switches", useSQLite: true },
          TICKETS: { className: "Tickets", useSQLite: true },
        },
      },
    }),
  ],
  test: {
    name: "control",
    include: ["database/**/*.test.ts", "durable-objects/{hub,switches,tickets}/**/*.test.ts"],
  },
});
