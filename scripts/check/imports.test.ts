import { expect, test } from "vitest";
import { importViolations } from "./imports.ts";

const violations = (path: string, text: string) => importViolations([{ path, text }]).map(({ message }) => message);

test.each([
  ["core/a.ts", `import { z } from "zod";`, "core must not import from the package zod"],
  ["core/a.ts", `import { x } from "../contracts/x.ts";`, "core must not import from contracts"],
  ["core/a.test.ts", `import { x } from "../isolate/x.ts";`, "core must not import from isolate"],
  ["core/rate-limit/a.ts", `import x from "cloudflare:workers";`, "core must not import from the package cloudflare:"],
  ["core/a.ts", `const x = await import("../database/x.ts");`, "core must not import from database"],
  ["contracts/a.ts", `export * from "../core/x.ts";`, "contracts must not import from core"],
  ["database/a.ts", `import {\n  a,\n  b,\n} from "../isolate/x.ts";`, "database must not import from isolate"],
  ["isolate/a.ts", `import "../database/x.ts";`, "isolate must not import from database"],
  [
    "durable-objects/hub/a.ts",
    `import type { X } from "../../isolate/x.ts";`,
    "durable-objects must not import from isolate",
  ],
  [
    "workers/gateway/src/a.ts",
    `import { x } from "../../control/src/x.ts";`,
    "workers/gateway must not import from workers/control",
  ],
  [
    "workers/control/src/a.ts",
    `import { X } from "../../../durable-objects/x.ts";`,
    "workers/control may only re-export from durable-objects",
  ],
  [
    "workers/control/src/a.ts",
    `import { X } from "../../../scripts/x.ts";`,
    "workers/control must not import from scripts",
  ],
  ["client/a.ts", `import { x } from "../contracts/x.ts";`, "client may import only types from contracts"],
  ["client/a.ts", `import { z } from "zod";`, "client may import only types from zod"],
])("%s: %s", (path, text, message) => {
  expect(violations(path, text)).toEqual([message]);
});

test.each([
  ["core/a.ts", `import { x } from "./b/x.ts"; import { Temporal } from "temporal-polyfill";`],
  ["core/a.test.ts", `import { test } from "vitest"; import fc from "fast-check";`],
  ["core/a.ts", `// import { z } from "zod"\n/* import "../isolate/x.ts" */ const s = "text";`],
  ["workers/control/src/index.ts", `export { X } from "../../../durable-objects/x.ts";`],
  ["client/a.ts", `import type { X } from "../contracts/x.ts";`],
  ["scripts/a.ts", `import { anything } from "../core/x.ts"; import "esbuild";`],
])("allowed: %s: %s", (path, text) => {
  expect(violations(path, text)).toEqual([]);
});

test("a violation is placed at its line", () => {
  const [found] = importViolations([{ path: "core/a.ts", text: `// first\n\nimport { z } from "zod";` }]);
  expect(found?.line).toBe(3);
});
