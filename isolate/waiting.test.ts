import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test } from "vitest";

let platform: Miniflare;
let url: URL;

beforeAll(async () => {
  const bundle = await build({
    entryPoints: [new URL("testing/waiting-worker.ts", import.meta.url).pathname],
    bundle: true,
    write: false,
    format: "esm",
    external: ["cloudflare:*"],
  });
  platform = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: bundle.outputFiles[0]?.text ?? "",
      compatibilityDate: "2026-11-01",
      durableObjects: { LOCATION_HUB: { className: "SlowHub", useSQLite: true } },
    }),
  );
  url = await platform.ready;
});
afterAll(() => platform?.dispose());

// The runtime may cancel a request that waits for nothing but a promise of another request.
test("CP-2 requests that wait for another request's pulse are answered, also when that one's client has gone", async () => {
  const leader = new AbortController();
  const led = fetch(url, { signal: leader.signal }).then(
    (response) => response.text(),
    () => "gone",
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  const followers = Array.from({ length: 50 }, async () => {
    const response = await fetch(url);
    return `${response.status} ${await response.text()}`;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  leader.abort();
  expect(new Set(await Promise.all(followers))).toEqual(new Set(["200 true"]));
  expect(await led).toBe("gone");
  expect(await (await fetch(url)).text()).toBe("at once");
});
