// `npm run generate`: writes every generated file anew. `npm run check` says when that is due.
import { writeFile } from "node:fs/promises";
import { generateMigrations } from "./generate/migrations.ts";
import { openapi } from "./generate/openapi.ts";
import { workerTypes } from "./generate/worker-types.ts";

for (const { path, content } of [...workerTypes(), ...openapi()]) {
  await writeFile(path, await content());
  console.log(path);
}
await generateMigrations();
console.log("migrations/d1");
