import type { Clock } from "../core/config/refresher.ts";

/** The isolate's clock and timers. A timer belongs to the request that makes it. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
