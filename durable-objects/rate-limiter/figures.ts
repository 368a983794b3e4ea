import type { KeyFigures } from "../../contracts/rpc/rate-limiter.ts";
import { type Account, bannedMs, check } from "../../core/rate-limit/account.ts";

/** What a key stands at, as seen by a check of `cost`. */
export function figuresOf(account: Account, cost = 1): KeyFigures {
  const { limitValue, remaining, resetMs, retryAfterMs } = check(account, cost);
  const leftMs = bannedMs(account);
  const figures = { limitValue, remaining, resetMs, retryAfterMs };
  return leftMs > 0 ? { ...figures, bannedMs: leftMs } : figures;
}
