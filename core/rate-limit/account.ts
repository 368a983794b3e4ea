import { type AnyState, meterOf, meterOfRow, rowCodeOf } from "./algorithms.ts";
import { type MeterPolicy, samePolicy } from "./policy.ts";

/**
 * Most holds of one key that are remembered at once; each lives a second at most. A check beyond them is not held, and
 * its confirm then spends only what still fits: never an admission too many.
 */
export const maxHolds = 1024;

/**
 * How long a row is kept after its account was started anew: charges of before may be taken back for a day (reservations,
 * parts of an Idempotency-Key), and must find that they no longer count.
 */
const epochMemoryMs = 24 * 60 * 60 * 1000;

/** `cost` tokens that a check over several objects has set aside until it confirms or releases them. */
interface Hold {
  readonly id: string;
  readonly cost: number;
  /** When the hold ends by itself. */
  readonly expiresMs: number;
}

/** One key under one limit: what it has spent, what is set aside, whether it is banned. Plain data, never changed in place. */
export interface Account {
  /** The numbers in force. */
  readonly policy: MeterPolicy;
  /** The version of the configuration that they came with. */
  readonly version: number;
  /** When the account was last started anew, by a reset or another algorithm: no two starts have the same. 0: never. */
  readonly startedMs: number;
  readonly state: AnyState;
  readonly holds: readonly Hold[];
  /** The key is refused until then. In the past when it is not banned. */
  readonly bannedUntilMs: number;
  /** How far the caller's clock was behind the account's time when it was last asked: 0 unless the clock jumped back. */
  readonly lagMs: number;
}

/** What a check of some cost is told. Durations are milliseconds of the caller's clock, from its `nowMs` on. */
export interface Verdict {
  readonly allowed: boolean;
  /** The most admitted at one instant; null when unlimited. */
  readonly limitValue: number | null;
  /** Tokens left that nobody holds, at least 0; 0 while banned; null when unlimited. */
  readonly remaining: number | null;
  /** Until the key stands as if never used; null when unlimited. */
  readonly resetMs: number | null;
  /** 0 when allowed; until the same cost passes when nothing else happens; null when it never can. */
  readonly retryAfterMs: number | null;
}

/** The account of a key never seen. */
export function open(policy: MeterPolicy, version: number, nowMs: number): Account {
  const state = meterOf(policy).fresh(policy, nowMs);
  return { policy, version, startedMs: 0, state, holds: [], bannedUntilMs: 0, lagMs: 0 };
}

/**
 * The account at `max(nowMs, its own time)`: tokens refilled, ended holds dropped. Every function below looks at the
 * account as it was advanced to.
 */
export function advance(account: Account, nowMs: number): Account {
  const state = meterOf(account.policy).advance(account.policy, account.state, nowMs);
  const lagMs = state.atMs - nowMs;
  if (state === account.state && lagMs === account.lagMs) return account;
  const ended = account.holds.some((held) => held.expiresMs <= state.atMs);
  const holds = ended ? account.holds.filter((held) => held.expiresMs > state.atMs) : account.holds;
  return { ...account, state, holds, lagMs };
}

/** Whether `cost` tokens could be spent now, and what there is. Changes nothing. */
export function check(account: Account, cost: number): Verdict {
  const banned = account.bannedUntilMs > account.state.atMs;
  const left = available(account);
  const allowed = !banned && cost <= left;
  return verdict(account, allowed, banned ? 0 : left, allowed ? 0 : retryAfterMs(account, cost));
}

/** Takes `cost` tokens. The caller has seen that `check` allows it. */
export function spend(account: Account, cost: number): Account {
  return withState(account, meterOf(account.policy).spend(account.policy, account.state, cost));
}

/** `spend` with the verdict of the allowed check: `remaining` and `resetMs` are those after it. */
export function spent(account: Account, cost: number): { readonly account: Account; readonly verdict: Verdict } {
  const after = spend(account, cost);
  return { account: after, verdict: verdict(after, true, available(after), 0) };
}

/**
 * Sets `cost` tokens aside under `id` until `expiresMs`. The caller has seen that `check` allows it. The same id again
 * changes nothing, and beyond `maxHolds` nothing is set aside.
 */
export function hold(account: Account, id: string, cost: number, expiresMs: number): Account {
  if (account.holds.length >= maxHolds || account.holds.some((held) => held.id === id)) return account;
  return { ...account, holds: [...account.holds, { id, cost, expiresMs }] };
}

/**
 * Turns a hold into a spend. `confirmed` is false when the cost does not fit: a hold fits unless the limit shrank under
 * it; one that is unknown or past its time spends only if a check would be allowed now.
 */
export function confirm(
  account: Account,
  id: string,
  cost: number,
): { readonly account: Account; readonly confirmed: boolean } {
  const known = account.holds.find((held) => held.id === id);
  const released = release(account, id);
  const fits = known === undefined ? check(account, cost).allowed : known.cost <= available(released);
  if (!fits) return { account: released, confirmed: false };
  return { account: spend(released, known?.cost ?? cost), confirmed: true };
}

/** Ends a hold without spending. One that is unknown changes nothing. */
export function release(account: Account, id: string): Account {
  if (!account.holds.some((held) => held.id === id)) return account;
  return { ...account, holds: account.holds.filter((held) => held.id !== id) };
}

/** Gives back at most `cost` tokens; an unused key gets nothing. */
export function refund(account: Account, cost: number): Account {
  return withState(account, meterOf(account.policy).refund(account.policy, account.state, cost));
}

/**
 * Corrects a charge of `reserved` tokens to the `actual` cost: less gives back, more is charged as far as it fits, also
 * while the key is banned. `charged` is what the reservation cost in the end and `uncharged` what no longer fitted.
 */
export function settle(
  account: Account,
  reserved: number,
  actual: number,
): { readonly account: Account; readonly charged: number; readonly uncharged: number } {
  if (actual <= reserved) {
    const given = reserved - actual;
    return { account: given === 0 ? account : refund(account, given), charged: actual, uncharged: 0 };
  }
  const more = actual - reserved;
  const fits = Math.max(0, Math.min(more, available(account)));
  return {
    account: fits === 0 ? account : spend(account, fits),
    charged: reserved + fits,
    uncharged: more - fits,
  };
}

/** As if never used, but for its holds and its ban. */
export function reset(account: Account, nowMs: number): Account {
  const state = meterOf(account.policy).fresh(account.policy, Math.max(nowMs, account.state.atMs));
  return { ...account, startedMs: nextStart(account, state.atMs), state, lagMs: state.atMs - nowMs };
}

/** Refuses the key until `untilMs`, whatever is left. Replaces an earlier ban. */
export function ban(account: Account, untilMs: number): Account {
  return { ...account, bannedUntilMs: untilMs };
}

/** Ends a ban. */
export function unban(account: Account): Account {
  return { ...account, bannedUntilMs: 0 };
}

/** What is left of a ban, in milliseconds of the caller's clock; 0 when there is none. */
export function bannedMs(account: Account): number {
  return account.bannedUntilMs > account.state.atMs ? account.bannedUntilMs - account.state.atMs + account.lagMs : 0;
}

/**
 * The account under other numbers: what was spent stays spent, so after a cut the key may owe. Versions that are not
 * newer change nothing. Another algorithm counts differently and starts fresh; holds and bans stay in any case.
 */
export function resize(account: Account, policy: MeterPolicy, version: number): Account {
  if (version <= account.version) return account;
  if (samePolicy(account.policy, policy)) return { ...account, version };
  const { atMs } = account.state;
  if (account.policy.algorithm === policy.algorithm) {
    return { ...account, policy, version, state: meterOf(policy).resize(account.policy, policy, account.state) };
  }
  const state = meterOf(policy).fresh(policy, atMs);
  return { ...account, policy, version, startedMs: nextStart(account, atMs), state };
}

/** Whether the key stands as if never used, with no hold and no ban. */
export function idle(account: Account): boolean {
  return idleAtMs(account) <= account.state.atMs;
}

/** When the account becomes idle if nothing else happens, in milliseconds since the epoch. */
export function idleAtMs(account: Account): number {
  let atMs = account.state.atMs + meterOf(account.policy).resetMs(account.policy, account.state);
  for (const held of account.holds) atMs = Math.max(atMs, held.expiresMs);
  return Math.max(atMs, account.bannedUntilMs);
}

/** When the account's row may be forgotten: it is idle then, and nobody takes back a charge of before its last start. */
export function forgettableAtMs(account: Account): number {
  const atMs = idleAtMs(account);
  return account.startedMs === 0 ? atMs : Math.max(atMs, account.startedMs + epochMemoryMs);
}

/**
 * Which charges count in this account: those of the same epoch. Another algorithm is another one, and so is the account after a
 * reset.
 */
export function epochOf({ policy, startedMs }: Account): string {
  return `${rowCodeOf(policy)}${startedMs}`;
}

/**
 * The row of an account: algorithm, version (with the time of the last start, if any), ban, the numbers in force and the state, in short text. It says under which
 * numbers it was written, so a row that slept through a change of its limit refills under the old ones until it is
 * resized. Holds are not kept: they are shorter than a restart.
 */
export function encode(account: Account): string {
  const numbers = meterOf(account.policy).encode(account.policy, account.state);
  const started = account.startedMs === 0 ? "" : `@${account.startedMs}`;
  return `${rowCodeOf(account.policy)} ${account.version}${started} ${account.bannedUntilMs} ${numbers}`;
}

/**
 * The inverse of `encode`. The caller then advances and resizes it: `resize(advance(decode(text), nowMs), policy, version)`.
 *
 * @throws Error when the text is not one that `encode` wrote
 */
export function decode(text: string): Account {
  const [code, origin = "", bannedUntilMs, ...fields] = text.split(" ");
  const row = meterOfRow(code)?.decode(fields);
  if (row === undefined || !Object.values(row.state).every(isWhole)) {
    throw new Error(`not the row of an account: ${text.slice(0, 64)}`);
  }
  const [version, startedMs = 0] = origin.split("@").map(Number) as [number, number?];
  return { ...row, version, startedMs, holds: [], bannedUntilMs: Number(bannedUntilMs), lagMs: 0 };
}

/** Whether a member of a state is a whole number, as they all are but for a log's entries. */
function isWhole(value: unknown): boolean {
  return Array.isArray(value) || Number.isSafeInteger(value);
}

/** Tokens that can be spent and that nobody holds; below zero after a cut. */
function available(account: Account): number {
  let left = meterOf(account.policy).free(account.policy, account.state);
  for (const held of account.holds) left -= held.cost;
  return left;
}

/**
 * The earliest moment at which the cost passes: the ban is over, and for the holds that are still in force then the
 * cost fits beside them. With each hold that ends less has to refill, so each end is one candidate.
 */
function retryAfterMs(account: Account, cost: number): number | null {
  const { policy, state } = account;
  const algorithm = meterOf(policy);
  let held = 0;
  for (const each of account.holds) held += each.cost;
  let waitMs = algorithm.waitMs(policy, state, cost + held);
  for (const each of account.holds.toSorted((a, b) => a.expiresMs - b.expiresMs)) {
    held -= each.cost;
    waitMs = Math.min(waitMs, Math.max(each.expiresMs - state.atMs, algorithm.waitMs(policy, state, cost + held)));
  }
  if (waitMs === Number.POSITIVE_INFINITY) return null;
  return Math.max(waitMs, account.bannedUntilMs - state.atMs) + account.lagMs;
}

function verdict(account: Account, allowed: boolean, left: number, retryMs: number | null): Verdict {
  const { policy, state, lagMs } = account;
  if (policy.algorithm === "unlimited") {
    return { allowed, limitValue: null, remaining: null, resetMs: null, retryAfterMs: retryMs };
  }
  const fullMs = idleAtMs(account) - state.atMs;
  return {
    allowed,
    limitValue: meterOf(policy).capacity(policy),
    remaining: Math.max(0, left),
    resetMs: fullMs > 0 ? fullMs + lagMs : 0,
    retryAfterMs: retryMs,
  };
}

/** Never a start that the account has had before, also when the clock stands still. */
function nextStart(account: Account, atMs: number): number {
  return Math.max(atMs, account.startedMs + 1);
}

function withState(account: Account, state: AnyState): Account {
  return { ...account, state };
}
