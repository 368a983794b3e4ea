import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BreakwaterError } from "./error.ts";
import { connectionFails, fakeGateway, hangs, problem, type Reply, says } from "./testing/fake-gateway.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const permit = says({ permit: "p1", expiresAt: "2026-01-01T00:00:00Z", limitValue: 1, remaining: 0 });
const done = says({});
const paths = (seen: readonly { url: string }[]) => seen.map(({ url }) => new URL(url).pathname.split("/").at(-1));

/** Work that lasts until told. */
function work() {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const signals: AbortSignal[] = [];
  const run = async ({ signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    await finished;
    return "result";
  };
  return { run, finish: () => finish(), signal: () => signals[0] };
}

test("a permit is held while the work runs, renewed each third of its life, and given back", async () => {
  const { client, seen } = fakeGateway([permit, permit, permit, done]);
  const job = work();
  const running = client.limits.withPermit("jobs", "nightly", job.run, { ttlMs: 3000 });
  await vi.advanceTimersByTimeAsync(2500);
  expect(paths(seen)).toEqual(["acquire", "renew", "renew"]);
  expect(seen.map(({ atMs }) => atMs)).toEqual([0, 1000, 2000]);
  expect(seen.slice(0, 2).map(({ body }) => body)).toEqual([{ ttlMs: 3000 }, { ttlMs: 3000 }]);
  job.finish();
  expect(await running).toBe("result");
  expect(paths(seen)).toEqual(["acquire", "renew", "renew", "release"]);
  expect(job.signal()?.aborted).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test("work that throws gives the permit back and rejects with what it threw", async () => {
  const { client, seen } = fakeGateway([permit, done]);
  const failure = new Error("work failed");
  await expect(client.limits.withPermit("jobs", "k", () => Promise.reject(failure))).rejects.toBe(failure);
  expect(paths(seen)).toEqual(["acquire", "release"]);
});

test("without a free permit the work does not run", async () => {
  const { client, seen } = fakeGateway([problem(429, "permits_exhausted", { retryAfterMs: 5000 })]);
  const run = vi.fn();
  await expect(client.limits.withPermit("jobs", "k", run)).rejects.toMatchObject({ code: "permits_exhausted" });
  expect(run).not.toHaveBeenCalled();
  expect(seen).toHaveLength(1);
});

test("a permit that the platform no longer knows aborts the work's signal", async () => {
  const { client } = fakeGateway([permit, problem(404, "permit_not_found"), done]);
  const job = work();
  const running = client.limits.withPermit("jobs", "k", job.run, { ttlMs: 3000 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(job.signal()?.aborted).toBe(true);
  expect(job.signal()?.reason).toBeInstanceOf(BreakwaterError);
  job.finish();
  expect(await running).toBe("result");
});

test("renewals that fail are tried again until the permit's end, and not a moment longer is it believed held", async () => {
  const { client } = fakeGateway([permit, ...Array.from({ length: 40 }, () => connectionFails("ECONNRESET"))]);
  const job = work();
  const running = client.limits.withPermit("jobs", "k", job.run, { ttlMs: 3000 });
  await vi.advanceTimersByTimeAsync(2999);
  expect(job.signal()?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(job.signal()?.aborted).toBe(true);
  job.finish();
  await vi.runAllTimersAsync();
  expect(await running).toBe("result");
});

test("a renewal that hangs does not hide the permit's end", async () => {
  const { client } = fakeGateway([permit, hangs, done]);
  const job = work();
  const running = client.limits.withPermit("jobs", "k", job.run, { ttlMs: 3000 });
  await vi.advanceTimersByTimeAsync(3000);
  expect(job.signal()?.aborted).toBe(true);
  job.finish();
  await vi.runAllTimersAsync();
  await running;
});

test("one failed renewal is no loss", async () => {
  const { client, seen } = fakeGateway([permit, problem(504, "deadline_exceeded"), permit, permit, done], {
    maxAttempts: 1,
  });
  const job = work();
  const running = client.limits.withPermit("jobs", "k", job.run, { ttlMs: 3000 });
  await vi.advanceTimersByTimeAsync(2400);
  expect(seen.map(({ atMs }) => atMs)).toEqual([0, 1000, 1300, 2300]);
  expect(job.signal()?.aborted).toBe(false);
  job.finish();
  await running;
});

test("the caller's signal reaches the work, and the permit is kept until the work ends", async () => {
  const { client, seen } = fakeGateway([permit, done]);
  const abort = new AbortController();
  const job = work();
  const running = client.limits.withPermit("jobs", "k", job.run, { signal: abort.signal });
  await vi.advanceTimersByTimeAsync(10);
  abort.abort("shutdown");
  expect(job.signal()?.reason).toBe("shutdown");
  expect(paths(seen)).toEqual(["acquire"]);
  job.finish();
  expect(await running).toBe("result");
  expect(paths(seen)).toEqual(["acquire", "release"]);
});

test("a permit that cannot be given back does not spoil the result", async () => {
  const { client } = fakeGateway([permit, problem(404, "permit_not_found")]);
  expect(await client.limits.withPermit("jobs", "k", async () => 7)).toBe(7);
});

test("the permit's end counts from before each request was sent, however late its answer", async () => {
  const late: Reply = (seen, init) => new Promise((resolve) => setTimeout(() => resolve(permit(seen, init)), 900));
  const lost = Array.from({ length: 40 }, () => connectionFails("ECONNRESET"));
  const { client, seen } = fakeGateway([late, late, ...lost]);
  const job = work();
  const running = client.limits.withPermit("jobs", "k", job.run, { ttlMs: 3000 });
  await vi.advanceTimersByTimeAsync(1900);
  const renewedAtMs = seen[1]?.atMs ?? Number.NaN;
  expect(renewedAtMs).toBe(1900);
  await vi.advanceTimersByTimeAsync(renewedAtMs + 3000 - 1900 - 1);
  expect(job.signal()?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(job.signal()?.aborted).toBe(true);
  job.finish();
  await vi.runAllTimersAsync();
  await running;
});

test("a permit whose answer took its whole life is lost at once", async () => {
  const tooLate: Reply = (seen, init) => new Promise((resolve) => setTimeout(() => resolve(permit(seen, init)), 900));
  const { client } = fakeGateway([tooLate, done]);
  const job = work();
  const running = client.limits.withPermit("jobs", "k", job.run, { ttlMs: 900 });
  await vi.advanceTimersByTimeAsync(901);
  expect(job.signal()?.aborted).toBe(true);
  job.finish();
  await running;
});
