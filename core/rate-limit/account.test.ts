import { describe, expect, test } from "vitest";
import {
  advance,
  ban,
  bannedMs,
  check,
  confirm,
  decode,
  encode,
  hold,
  idle,
  maxHolds,
  open,
  refund,
  release,
  reset,
  resize,
  settle,
  spend,
  spent,
  unban,
} from "./account.ts";
import type { MeterPolicy } from "./policy.ts";

const startMs = Date.parse("2026-01-31T12:00:00Z");
const policy: MeterPolicy = { algorithm: "gcra", limit: 10, windowMs: 1000, burst: 10 };
const fresh = open(policy, 1, startMs);

describe("holds", () => {
  test("RL-10 a hold takes part of what is free, and its confirm becomes a spend", () => {
    const held = hold(fresh, "h", 7, startMs + 1000);
    expect(check(held, 4)).toMatchObject({ allowed: false, remaining: 3 });
    expect(check(held, 3).allowed).toBe(true);
    const { account, confirmed } = confirm(held, "h", 7);
    expect(confirmed).toBe(true);
    expect(account).toEqual(spend(fresh, 7));
  });

  test("RL-10 a released hold charges nothing", () => {
    expect(release(hold(fresh, "h", 7, startMs + 1000), "h")).toEqual(fresh);
    expect(release(fresh, "unknown")).toBe(fresh);
  });

  test("RL-10 a hold ends by itself, and not a millisecond before", () => {
    const held = hold(fresh, "h", 10, startMs + 1000);
    expect(check(advance(held, startMs + 999), 1).allowed).toBe(false);
    expect(check(advance(held, startMs + 1000), 10).allowed).toBe(true);
  });

  test("RL-10 a confirm that comes late spends only what still fits", () => {
    const late = advance(hold(fresh, "h", 7, startMs + 10), startMs + 10);
    expect(confirm(late, "h", 7)).toEqual({ account: spend(late, 7), confirmed: true });
    const taken = spend(late, 4);
    expect(confirm(taken, "h", 7)).toEqual({ account: taken, confirmed: false });
    expect(confirm(hold(late, "other", 4, startMs + 1000), "h", 7).confirmed).toBe(false);
  });

  test("RL-10 a hold that an isolate still confirms after the limit shrank spends only what fits", () => {
    const shrunk = resize(hold(fresh, "h", 7, startMs + 1000), { ...policy, burst: 5 }, 2);
    expect(check(shrunk, 1).allowed).toBe(false);
    const { account, confirmed } = confirm(shrunk, "h", 7);
    expect(confirmed).toBe(false);
    expect(check(account, 5).allowed).toBe(true);
  });

  test("RL-10 a hold outlives the window it was made in and counts in the next", () => {
    const windowed = open({ algorithm: "fixed-window", limit: 10, windowMs: 1000 }, 1, startMs + 900);
    const next = advance(hold(spend(windowed, 3), "h", 7, startMs + 1900), startMs + 1000);
    expect(check(next, 4)).toMatchObject({ allowed: false, remaining: 3 });
    expect(check(confirm(next, "h", 7).account, 1).remaining).toBe(3);
  });

  test("RL-7 a wait counts the holds: until one ends, or until enough has refilled beside it", () => {
    const spent5 = spend(fresh, 5);
    const soon = hold(spent5, "h", 5, startMs + 50);
    expect(check(soon, 1).retryAfterMs).toBe(50);
    const late = hold(spent5, "h", 5, startMs + 1000);
    expect(check(late, 1).retryAfterMs).toBe(100);
    expect(check(late, 6).retryAfterMs).toBe(1000);
    expect(check(hold(late, "never", 1, startMs + 9000), 11).retryAfterMs).toBeNull();
  });

  test("RL-8 the same id holds once", () => {
    const held = hold(fresh, "h", 7, startMs + 1000);
    expect(hold(held, "h", 2, startMs + 2000)).toBe(held);
  });

  test("RL-10 beyond the bound nothing is set aside, and the confirm decides anew", () => {
    let held = open({ ...policy, burst: 5000 }, 1, startMs);
    for (let index = 0; index < maxHolds; index += 1) held = hold(held, `h${index}`, 1, startMs + 1000);
    expect(hold(held, "one more", 1, startMs + 1000)).toBe(held);
    expect(confirm(held, "one more", 1).confirmed).toBe(true);
    expect(confirm(spend(held, 5000 - maxHolds), "one more", 1).confirmed).toBe(false);
  });

  test("RL-19 a ban does not break a hold that was decided before it, but a lost one", () => {
    const held = ban(hold(fresh, "h", 7, startMs + 1000), startMs + 60_000);
    expect(confirm(held, "h", 7).confirmed).toBe(true);
    expect(confirm(held, "lost", 1).confirmed).toBe(false);
  });
});

describe("verdicts", () => {
  test("an allowed verdict says what is left after it", () => {
    expect(check(fresh, 4)).toMatchObject({ allowed: true, remaining: 10, resetMs: 0 });
    expect(spent(fresh, 4).verdict).toEqual({
      allowed: true,
      limitValue: 10,
      remaining: 6,
      resetMs: 400,
      retryAfterMs: 0,
    });
  });

  test("a cost over the capacity never passes", () => {
    expect(check(fresh, 11)).toMatchObject({ allowed: false, remaining: 10, retryAfterMs: null });
  });

  test("an unlimited key knows no figures, but bans and versions", () => {
    const lifted = resize(spend(fresh, 10), { algorithm: "unlimited" }, 2);
    const none = { limitValue: null, remaining: null, resetMs: null };
    expect(check(lifted, 1e9)).toEqual({ allowed: true, ...none, retryAfterMs: 0 });
    expect(spent(lifted, 1e9).account).toEqual(lifted);
    expect(idle(lifted)).toBe(true);
    expect(check(ban(lifted, startMs + 100), 1)).toEqual({ allowed: false, ...none, retryAfterMs: 100 });
    expect(decode(encode(lifted))).toEqual(lifted);
    expect(settle(lifted, 1, 1e9)).toEqual({ account: lifted, charged: 1e9, uncharged: 0 });
  });
});

describe("RL-19 bans", () => {
  test("a ban waits for the later of its end and the refill, and outlives a reset", () => {
    const banned = ban(spend(fresh, 10), startMs + 150);
    expect(check(banned, 1)).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 150 });
    expect(check(banned, 5)).toMatchObject({ allowed: false, retryAfterMs: 500 });
    expect(check(banned, 11)).toMatchObject({ retryAfterMs: null });
    expect(bannedMs(banned)).toBe(150);
    expect(check(reset(banned, startMs), 1).allowed).toBe(false);
    expect(check(unban(reset(banned, startMs)), 10).allowed).toBe(true);
    expect(idle(ban(fresh, startMs + 1))).toBe(false);
  });

  test("a clock that jumps back lengthens a ban by no more than the jump", () => {
    const banned = advance(ban(fresh, startMs + 150), startMs - 50);
    expect(bannedMs(banned)).toBe(200);
    expect(check(banned, 1).retryAfterMs).toBe(200);
  });
});

describe("RL-17 settling", () => {
  const reserved = spend(fresh, 4);

  test("less gives back, the same changes nothing, nothing gives all back", () => {
    expect(settle(reserved, 4, 1)).toEqual({ account: spend(fresh, 1), charged: 1, uncharged: 0 });
    expect(settle(reserved, 4, 4)).toEqual({ account: reserved, charged: 4, uncharged: 0 });
    expect(settle(reserved, 4, 0)).toEqual({ account: fresh, charged: 0, uncharged: 0 });
  });

  test("more is charged as far as it fits beside what others hold, also under a ban", () => {
    expect(settle(reserved, 4, 9)).toEqual({ account: spend(fresh, 9), charged: 9, uncharged: 0 });
    expect(settle(reserved, 4, 12)).toEqual({ account: spend(fresh, 10), charged: 10, uncharged: 2 });
    expect(settle(hold(reserved, "h", 5, startMs + 1000), 4, 12)).toMatchObject({ charged: 5, uncharged: 7 });
    expect(settle(ban(reserved, startMs + 1000), 4, 9)).toMatchObject({ charged: 9 });
    const owing = resize(reserved, { ...policy, burst: 1 }, 2);
    expect(settle(owing, 4, 9)).toEqual({ account: owing, charged: 4, uncharged: 5 });
  });
});

test("RL-16 a refund of more than was spent fills the key and no more", () => {
  expect(refund(spend(fresh, 3), 1e9)).toEqual(fresh);
});

test("a reset fills the key, keeps its holds, and never moves its time back", () => {
  const held = hold(spend(fresh, 8), "h", 2, startMs + 1000);
  expect(check(reset(held, startMs - 500), 8)).toMatchObject({ allowed: true, remaining: 8, limitValue: 10 });
  expect(reset(held, startMs - 500)).toMatchObject({ state: { atMs: startMs }, lagMs: 500 });
});

test("RL-14 another algorithm starts fresh and keeps holds and bans", () => {
  const held = ban(hold(spend(fresh, 3), "h", 7, startMs + 1000), startMs + 50);
  const windowed = resize(held, { algorithm: "fixed-window", limit: 10, windowMs: 1000 }, 2);
  expect(windowed.holds).toEqual(held.holds);
  expect(windowed.bannedUntilMs).toBe(startMs + 50);
  expect(check(advance(windowed, startMs + 50), 1).remaining).toBe(3);
});

test("RL-14 the same numbers under a newer version change the version alone", () => {
  const used = spend(fresh, 3);
  expect(resize(used, { ...policy }, 2)).toEqual({ ...used, version: 2 });
});

test("RL-11 a row that nobody wrote is an error", () => {
  expect(() => decode("")).toThrow("not the row of an account");
  expect(() => decode("x 1 0 1 2 3")).toThrow("not the row of an account");
  expect(() => decode("g 1 0 100")).toThrow("not the row of an account");
  expect(() => decode("__proto__ 1 0 100")).toThrow("not the row of an account");
});
