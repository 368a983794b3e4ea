import { expect, test } from "vitest";
import { hubPatience, isolatePatience, neverPulsed, type PulseState, planPulse } from "./pulse-schedule.ts";

const t = 1_000_000;
const answered = (agoMs: number, more: Partial<PulseState> = {}): PulseState => ({
  answeredAtMs: t - agoMs,
  startedAtMs: t - agoMs,
  running: false,
  failed: false,
  ...more,
});
const isolate = (state: PulseState) => planPulse(state, isolatePatience, t);

test("CP-2 a pulse starts at 400 ms and is waited for beyond 1 s, at most 100 ms", () => {
  expect(isolate(answered(399))).toEqual({ start: false, waitMs: 0 });
  expect(isolate(answered(400))).toEqual({ start: true, waitMs: 0 });
  expect(isolate(answered(1_000))).toEqual({ start: true, waitMs: 0 });
  expect(isolate(answered(1_001))).toEqual({ start: true, waitMs: 100 });
});

test("a request that finds a pulse on its way waits for what is left of its time", () => {
  const running = (startedAgoMs: number) => answered(1_500, { startedAtMs: t - startedAgoMs, running: true });
  expect(isolate(running(30))).toEqual({ start: false, waitMs: 70 });
  expect(isolate(running(100))).toEqual({ start: false, waitMs: 0 });
});

test("CP-3 with the hub away pulses go on every 400 ms and nobody waits for them", () => {
  expect(isolate(answered(5_000, { startedAtMs: t - 100, failed: true }))).toEqual({ start: false, waitMs: 0 });
  expect(isolate(answered(5_000, { startedAtMs: t - 400, failed: true }))).toEqual({ start: true, waitMs: 0 });
  expect(isolate(answered(5_000, { startedAtMs: t - 30, failed: true, running: true }))).toEqual({
    start: false,
    waitMs: 0,
  });
  // A failure of long ago says nothing about now.
  expect(isolate(answered(60_000, { startedAtMs: t - 50_000, failed: true }))).toEqual({ start: true, waitMs: 100 });
});

test("a pulse without an answer for 2 s is given up for another", () => {
  expect(isolate(answered(3_000, { startedAtMs: t - 1_999, running: true })).start).toBe(false);
  expect(isolate(answered(3_000, { startedAtMs: t - 2_000, running: true })).start).toBe(true);
});

test("a fresh isolate waits 2 s for its first snapshot, and not at all for a pulse that is not due", () => {
  expect(isolate(neverPulsed)).toEqual({ start: true, waitMs: 2_000 });
  expect(isolate({ ...neverPulsed, startedAtMs: t - 500, running: true })).toEqual({ start: false, waitMs: 1_500 });
  expect(isolate({ ...neverPulsed, startedAtMs: t - 100, failed: true })).toEqual({ start: false, waitMs: 0 });
  expect(isolate({ ...neverPulsed, startedAtMs: t - 400, failed: true })).toEqual({ start: true, waitMs: 2_000 });
});

test("a clock that jumped back makes the copy old instead of fresh for ever", () => {
  expect(isolate(answered(-3_600_000))).toEqual({ start: true, waitMs: 100 });
});

test("a hub waits for the root as soon as its copy is due", () => {
  expect(planPulse(answered(400), hubPatience, t)).toEqual({ start: true, waitMs: 0 });
  expect(planPulse(answered(401), hubPatience, t)).toEqual({ start: true, waitMs: 1_000 });
});
