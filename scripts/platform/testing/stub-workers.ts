import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Two small workers in the shape of the platform's: one owns an object and a database, the gateway binds them. */
export interface StubWorkers {
  /** For `startPlatform`. */
  readonly configs: readonly string[];
  /** Where the database's migrations are; empty at first. */
  readonly migrationsFolder: string;
}

const common = `main = "index.ts"
compatibility_date = "2026-11-01"
compatibility_flags = ["nodejs_compat"]
[[d1_databases]]
binding = "DB"
database_name = "stub"
database_id = "00000000-0000-0000-0000-000000000000"
migrations_dir = "../migrations"
`;

const ownerConfig = `name = "stub-owner"
${common}
[vars]
SHARED = "toml"
[[durable_objects.bindings]]
name = "COUNTER"
class_name = "Counter"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Counter"]
`;

const owner = `import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  add() {
    const count = (this.ctx.storage.kv.get("count") ?? 0) + 1;
    this.ctx.storage.kv.put("count", count);
    return { count, env: Object.keys(this.env), shared: this.env.SHARED };
  }
}
export default { fetch: () => new Response(null, { status: 404 }) };
`;

const gatewayConfig = `name = "stub-gateway"
${common}
[vars]
SHARED = "toml"
COLOUR = "red"
[triggers]
crons = ["* * * * *"]
[[durable_objects.bindings]]
name = "COUNTER"
class_name = "Counter"
script_name = "stub-owner"
`;

const gateway = `export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/healthz" || pathname === "/readyz") return new Response("ok");
    if (pathname === "/env") return Response.json(env);
    if (pathname === "/count") return Response.json(await env.COUNTER.getByName("one").add());
    if (pathname === "/sql") return Response.json((await env.DB.prepare(searchParams.get("q")).all()).results);
    if (pathname === "/slow") {
      console.log("slow begins");
      await new Promise((resolve) => setTimeout(resolve, 500));
      return new Response("done");
    }
    console.log("logged " + pathname);
    return new Response(null, { status: 404 });
  },
  async scheduled(controller, env) {
    await env.DB.prepare("CREATE TABLE IF NOT EXISTS runs (cron TEXT)").run();
    await env.DB.prepare("INSERT INTO runs VALUES (?)").bind(controller.cron).run();
  },
};
`;

/** Writes the stub workers under `folder`. */
export function writeStubWorkers(folder: string): StubWorkers {
  const files = {
    "owner/wrangler.toml": ownerConfig,
    "owner/index.ts": owner,
    "gateway/wrangler.toml": gatewayConfig,
    "gateway/index.ts": gateway,
  };
  const migrationsFolder = join(folder, "migrations");
  for (const name of ["owner", "gateway", "migrations"]) mkdirSync(join(folder, name));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { configs: [join(folder, "owner/wrangler.toml"), join(folder, "gateway/wrangler.toml")], migrationsFolder };
}
