import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LimitPolicy } from "../../contracts/limits.ts";
import { type DecideReply, Outcome, type Part, Step, type WireCheck } from "../../contracts/rpc/rate-limiter.ts";
import { type Calendar, calendarWindow } from "../../core/rate-limit/calendar.ts";
import {
  api,
  ask,
  evict,
  gcra,
  holdClock,
  inside,
  newLimiter,
  pass,
  rowsOf,
  spend,
  startMs,
  target,
} from "./testing/object.ts";

let said: string[];
beforeEach(() => {
  holdClock();
  said = [];
  vi.spyOn(console, "error").mockImplementation((line) => void said.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A time zone that contracts refuse: it can only come from an older release. */
const poison = api({ algorithm: "quota", limit: 5, calendar: { unit: "day", timeZone: "PST" } }, 1, "poison");
const limits = [api(gcra(5, 86_400_000)), poison];
const outcomes = (reply: DecideReply) => reply.map(([outcome]) => outcome);
const remaining = async (limiter: ReturnType<typeof newLimiter>, key: string) => {
  const state = await limiter.peek(target(key, limits[0]));
  return state.ok && state.value.remaining;
};

describe("a check that throws", () => {
  test("RL-9 fails alone: the others of its batch and its turn are decided, and nothing of it is charged", async () => {
    const limiter = newLimiter();
    const good: WireCheck = [0, "k", 1, 0];
    const bad: WireCheck = [1, "k", 1, 0];
    const checks = [[good], [bad], [good, bad], [good], [good], [good], [good], [good]];
    const batch = { id: "a", limits, requests: checks.map((each) => [Step.check, each] as const) };
    const { allowed, failed, refused } = Outcome;
    const [first, second] = await inside(limiter, (object) =>
      Promise.all([object.decide(batch), object.decide({ ...batch, id: "b" })]),
    );
    expect(outcomes(first)).toEqual([allowed, failed, failed, allowed, allowed, allowed, allowed, refused]);
    expect(outcomes(second)).toEqual([refused, failed, failed, refused, refused, refused, refused, refused]);
    await evict(limiter);
    expect(await remaining(limiter, "k")).toBe(0);
    expect((await rowsOf(limiter, "keys")).length).toBe(1);
  });

  test("RL-9 of a batch of independent checks fails alone", async () => {
    const limiter = newLimiter();
    const checks: WireCheck[] = [
      [0, "k", 2, 0],
      [1, "k", 1, 0],
      [0, "l", 5, 0],
    ];
    const part: Part = ["id", 1, "body"];
    for (const attempt of [1, 2]) {
      const [outcome, verdicts] = await ask(limiter, limits, Step.each, checks, [part[0], attempt, part[2]]);
      expect([outcome, ...verdicts.map(([allowed]) => allowed)]).toEqual([Outcome.allowed, 1, 3, 1]);
    }
    expect([await remaining(limiter, "k"), await remaining(limiter, "l")]).toEqual([3, 0]);
  });

  test("RL-9 holds nothing, and a cancel that throws half way gives nothing back", async () => {
    const limiter = newLimiter();
    const checks: WireCheck[] = [
      [0, "k", 3, 0],
      [1, "k", 1, 0],
    ];
    const part: Part = ["id", 0, ""];
    expect((await ask(limiter, limits, Step.hold, checks, part))[0]).toBe(Outcome.failed);
    expect((await ask(limiter, limits, Step.confirm, checks, part))[0]).toBe(Outcome.failed);
    expect(await remaining(limiter, "k")).toBe(5);
    // As if the runtime had known the zone when the window began.
    const id = (await rowsOf(limiter, "limits")).find(({ name }) => name === "poison")?.id as number;
    const row = `q 1 0 5 day PST ${startMs} ${startMs} ${startMs + 86_400_000} 0`;
    await inside(limiter, (_object, { storage }) => storage.sql.exec("INSERT INTO keys VALUES (?, 'k', ?)", id, row));
    expect((await ask(limiter, limits, Step.confirm, checks, part))[0]).toBe(Outcome.allowed);
    expect((await ask(limiter, limits, Step.cancel, checks, part))[0]).toBe(Outcome.failed);
    expect(await remaining(limiter, "k")).toBe(2);
    await spend(limiter, "k", 1, limits[0]);
    await evict(limiter);
    expect(await remaining(limiter, "k")).toBe(1);
  });

  test("is said once a second", async () => {
    const limiter = newLimiter();
    for (let count = 0; count < 5; count++) await spend(limiter, "k", 1, poison);
    expect(said).toHaveLength(1);
    pass(1_000);
    await spend(limiter, "k", 1, poison);
    expect(said).toHaveLength(2);
    expect(said[0]).toContain("Forbidden ICU TimeZone");
  });
});

test("RL-9 an operation that throws fails alone, and leaves nothing behind", async () => {
  const limiter = newLimiter();
  await spend(limiter, "warm", 2, limits[0]);
  const results = await inside(limiter, (object) =>
    Promise.allSettled([
      spend(object, "k", 2, limits[0]),
      object.reserve(target("k", poison), { id: "rsv_0_a", cost: 1, ttlMs: 1_000 }, { id: "once", bodyHash: "" }),
      spend(object, "k", 2, limits[0]),
      object.peek(target("k", poison)),
      object.reserve(target("k", limits[0]), { id: "rsv_0_b", cost: 1, ttlMs: 1_000 }),
      spend(object, "k", 1, limits[0]),
    ]),
  );
  const ends = results.map((each) => (each.status === "fulfilled" ? each.value : "rejected"));
  expect(ends).toMatchObject([
    { allowed: true },
    "rejected",
    { allowed: true },
    "rejected",
    { ok: true },
    { allowed: false },
  ]);
  await evict(limiter);
  expect([await remaining(limiter, "k"), await remaining(limiter, "warm")]).toEqual([0, 3]);
  expect((await rowsOf(limiter, "reservations")).map(({ id }) => id)).toEqual(["rsv_0_b"]);
  expect(await rowsOf(limiter, "marks")).toEqual([]);
});

/** Names that runtimes accept: what they list, links, what POSIX and ICU have beside them, and every name of three letters. */
function broadZones(): string[] {
  const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  const short = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c)));
  const links = `Etc/UTC Etc/GMT Etc/GMT+12 Etc/GMT-14 Etc/Unknown Etc/Zulu Zulu Greenwich Universal GMT0 GMT+0 GMT-0 UTC+1 GMT+1
    US/Pacific US/Pacific-New US/East-Indiana Asia/Calcutta Asia/Kolkata Asia/Katmandu Europe/Kiev Europe/Kyiv Navajo Cuba Egypt
    Eire GB GB-Eire Hongkong Iceland Iran Israel Jamaica Japan Kwajalein Libya NZ NZ-CHAT Poland Portugal Singapore Turkey W-SU
    EST5EDT CST6CDT MST7MDT PST8PDT AST4 AST4ADT EST5 SystemV/PST8PDT SystemV/AST4 Mexico/BajaNorte Canada/East-Saskatchewan
    Antarctica/South_Pole Pacific/Johnston America/Buenos_Aires Factory posixrules localtime +01:00 -0330 +23:59 +01 -00:00 Z`;
  const all = [...Intl.supportedValuesOf("timeZone"), ...short, ...links.split(/\s+/)];
  return [...new Set(all.flatMap((name) => [name, name.toLowerCase(), name.toUpperCase()]))];
}

test("RL-2 every time zone that a quota may name has a calendar", () => {
  const units: readonly Calendar["unit"][] = ["minute", "hour", "day", "week", "month", "year"];
  const accepted = broadZones().filter(
    (timeZone) => LimitPolicy.safeParse({ algorithm: "quota", limit: 1, calendar: { unit: "day", timeZone } }).success,
  );
  const short = accepted.filter((name) => name.length === 3 && name === name.toUpperCase()).toSorted();
  expect(short.join(" ")).toBe("CET EET EST GMT HST MET MST PRC ROC ROK UCT UTC WET");
  expect(accepted.length).toBeGreaterThan(1_000);
  for (const timeZone of accepted) {
    for (const unit of units) {
      const { startMs: fromMs, endMs } = calendarWindow({ unit, timeZone }, startMs);
      expect(fromMs <= startMs && startMs < endMs, `${unit} in ${timeZone}`).toBe(true);
    }
  }
});

test.each(["PST", "IST", "bst", "Jst"])("the zone %s is refused with what to name instead", (timeZone) => {
  const { error } = LimitPolicy.safeParse({ algorithm: "quota", limit: 1, calendar: { unit: "day", timeZone } });
  expect(error?.issues[0]?.message).toBe("must be an IANA time zone such as Europe/Paris");
});
