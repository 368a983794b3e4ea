import { expect, test } from "vitest";
import { CheckBatchRequest, CheckRequest, LimitPolicy } from "../../contracts/limits.ts";
import {
  batches,
  batchSize,
  envoyBatches,
  envoyKeys,
  hotKey,
  keys,
  limitName,
  limitValue,
  manyKeys,
  windowMs,
} from "./loads.ts";

test("every load is what the gateway takes", () => {
  for (const body of [...hotKey, ...keys]) CheckRequest.parse(body);
  for (const body of batches) CheckBatchRequest.parse(body);
  LimitPolicy.parse({ algorithm: "gcra", limit: limitValue, windowMs });
  expect(limitName).toMatch(/^[a-z]+$/);
});

test("each load visits each of its keys once", () => {
  const visited = keys.flatMap((body) => CheckRequest.parse(body).checks.map(({ key }) => key));
  expect(new Set(visited).size).toBe(manyKeys);
  expect(visited).toHaveLength(manyKeys);
  const batched = batches.map((body) => CheckBatchRequest.parse(body).items.map(({ key }) => key));
  expect(batched.flat()).toEqual(visited);
  expect(batched.every((items) => items.length === batchSize)).toBe(true);
});

test("the peer is asked for the same keys in the same order and in requests of the same size", () => {
  expect(envoyKeys).toHaveLength(keys.length);
  expect(envoyBatches).toHaveLength(batches.length);
  const first = JSON.stringify(envoyBatches[0]);
  for (const { key } of CheckBatchRequest.parse(batches[0]).items) expect(first).toContain(`"${key}"`);
});
