import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestPlatform, type TestPlatform, testAdminKey } from "../harness.ts";

let platform: TestPlatform;
const headers = { Authorization: `Bearer ${testAdminKey}`, "Content-Type": "application/json" };
const body = JSON.stringify({ checks: [{ limit: "api", key: "user:1" }] });

beforeAll(async () => {
  platform = await startTestPlatform();
  const policy = JSON.stringify({ algorithm: "gcra", limit: 1_000_000, windowMs: 60_000, failMode: "closed" });
  const put = await fetch(`${platform.url}/v1/limits/api`, { method: "PUT", headers, body: policy });
  expect(put.status).toBe(201);
});
afterAll(() => platform?.stop());

/** Sends a check and hangs up before its answer. */
function hangUp(): Promise<void> {
  const { hostname, port } = new URL(platform.url);
  const lines = Object.entries({ ...headers, Host: hostname, "Content-Length": String(body.length) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`POST /v1/limits/check HTTP/1.1\r\n${head}\r\n${body}`, () => {
        setTimeout(() => socket.destroy(), Math.random() * 2);
      });
    });
    socket.on("error", () => undefined).on("close", () => resolve());
  });
}

/** The sender of a batch is a caller like others: the checks of those who wait with it must not depend on its staying. */
test("RL-20 callers that hang up take nobody else's check with them", async () => {
  const sources = new Map<string, number>();
  const rounds = 20;
  const staying = 10;
  for (let round = 0; round < rounds; round++) {
    const leaving = Array.from({ length: 5 }, hangUp);
    const answers = Array.from({ length: staying }, async () => {
      const answer = await fetch(`${platform.url}/v1/limits/check`, { method: "POST", headers, body });
      const { results } = (await answer.json()) as { results?: { source: string }[] };
      const source = `${answer.status} ${results?.[0]?.source}`;
      sources.set(source, (sources.get(source) ?? 0) + 1);
    });
    await Promise.all([...leaving, ...answers]);
  }
  // A machine that stands still for 100 ms may leave some to the fail mode; a lost sender would leave whole batches.
  const { "200 object": decided = 0, "429 fallback": late = 0, ...others } = Object.fromEntries(sources);
  expect(others).toEqual({});
  expect(decided + late).toBe(rounds * staying);
  expect(late).toBeLessThan(decided / 10);
});
