import { z } from "zod";
import { DurationMs, Key, Name } from "./names.ts";

/** Most checks in one all-or-nothing request. */
export const maxChecks = 20;
/** Most items in one batch of independent checks. */
export const maxBatchItems = 1000;
/** Largest limit, burst or cost. */
export const maxCount = 1_000_000_000;
/** A sliding log keeps one entry for each admission, so its limit is small. */
export const maxLogEntries = 1000;
/** Most permits of one concurrency limit and key: each is a row. */
export const maxPermits = 10_000;
/** Longest life of a permit or a reservation: one day. */
export const maxHoldMs = 24 * 60 * 60 * 1000;
/** A permit's life where the policy does not say. */
export const defaultPermitTtlMs = 60_000;
/** A reservation's life where the request does not say. */
export const defaultReservationTtlMs = 60_000;

/** `POST /v1/limits/<name>` decides checks under these, so no limit can be addressed by them. */
export const reservedLimitNames: readonly string[] = ["check", "check-batch"];

/** The name that a limit is made under. */
export const LimitName = Name.refine(
  (name) => !reservedLimitNames.includes(name),
  `must not be ${reservedLimitNames.join(" or ")}: POST /v1/limits/<name> decides checks there`,
).meta({
  description: "1 to 64 characters of a-z, 0-9, '-', '_' and '.', but for `check` and `check-batch`",
  example: "api",
});

const Count = z.int().min(1).max(maxCount);

/** What a check takes from a limit: whole tokens. */
export const Cost = Count.meta({ description: "whole tokens, at least 1", example: 1 });

/** What happens to a check that the object does not answer in time. */
export const FailMode = z
  .union([z.enum(["open", "closed"]), z.strictObject({ safeRatePerSecond: z.number().gt(0).max(1_000_000) })])
  .meta({
    id: "FailMode",
    description:
      "`open` admits, `closed` refuses, `safeRatePerSecond` admits at that rate for each key in each isolate while the object does not answer.",
  });

const common = {
  mode: z
    .enum(["exact", "leased"])
    .default("exact")
    .meta({ description: "`leased` is accepted and served exactly until leases exist; `servedAs` says so." }),
  failMode: FailMode.default("open"),
  shadow: z.boolean().default(false).meta({ description: "Decide and report, never refuse." }),
};

const windowed = { limit: Count, windowMs: DurationMs };

/** Arithmetic is exact while capacity times window stays a safe integer. */
const exactly = (policy: { limit: number; windowMs: number; burst?: number }) =>
  Math.max(policy.limit, policy.burst ?? 0) * policy.windowMs <= Number.MAX_SAFE_INTEGER;
const tooLarge = { message: "limit (or burst) times windowMs must stay below 2^53", path: ["windowMs"] };

const burst = { burst: Count.optional().meta({ description: "most admitted at one instant; default `limit`" }) };

const Gcra = z
  .strictObject({ algorithm: z.literal("gcra"), ...windowed, ...burst, ...common })
  .refine(exactly, tooLarge);
const TokenBucket = z
  .strictObject({ algorithm: z.literal("token-bucket"), ...windowed, ...burst, ...common })
  .refine(exactly, tooLarge);
const FixedWindow = z.strictObject({ algorithm: z.literal("fixed-window"), ...windowed, ...common });
const SlidingWindow = z
  .strictObject({ algorithm: z.literal("sliding-window"), ...windowed, ...common })
  .refine(exactly, tooLarge);
const SlidingLog = z.strictObject({
  algorithm: z.literal("sliding-log"),
  limit: z.int().min(1).max(maxLogEntries),
  windowMs: DurationMs,
  ...common,
});

/** The names of three letters that the IANA database has; ICU knows others (PST, IST), which calendars refuse as ambiguous. */
const shortTimeZones = new Set("CET EET EST GMT HST MET MST PRC ROC ROK UCT UTC WET".split(" "));

/** Whether it is a name of the IANA database, in any case, and the runtime knows it. */
function isTimeZone(name: string): boolean {
  if (name.length === 3 && !shortTimeZones.has(name.toUpperCase())) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The calendar of a quota. Weeks start on Monday (ISO 8601). */
export const Calendar = z
  .strictObject({
    unit: z.enum(["minute", "hour", "day", "week", "month", "year"]),
    timeZone: z
      .string()
      .max(64)
      .refine(isTimeZone, "must be an IANA time zone such as Europe/Paris")
      .default("UTC")
      .meta({ example: "Europe/Paris" }),
  })
  .meta({ id: "Calendar" });

const Quota = z.strictObject({ algorithm: z.literal("quota"), limit: Count, calendar: Calendar, ...common });
const Concurrency = z.strictObject({
  algorithm: z.literal("concurrency"),
  limit: z.int().min(1).max(maxPermits),
  ttlMs: z
    .int()
    .min(1)
    .max(maxHoldMs)
    .default(defaultPermitTtlMs)
    .meta({ description: "a permit's life, milliseconds" }),
  ...common,
});

/** A limit: an algorithm, its numbers, and what happens when it cannot be asked. */
export const LimitPolicy = z
  .discriminatedUnion("algorithm", [Gcra, TokenBucket, FixedWindow, SlidingWindow, SlidingLog, Quota, Concurrency])
  .meta({
    id: "LimitPolicy",
    example: {
      algorithm: "gcra",
      limit: 100,
      windowMs: 60_000,
      burst: 100,
      mode: "exact",
      failMode: "open",
      shadow: false,
    },
  });

/** What one key of a limit gets instead of the policy's numbers. */
export const Override = z
  .union([z.strictObject({ unlimited: z.literal(true) }), z.strictObject({ limit: Count, burst: Count.optional() })])
  .meta({
    id: "Override",
    description: "`unlimited`, or a limit (and burst) of its own for one key.",
    example: { limit: 1000 },
  });

/**
 * The largest `limit` and `burst` that an override of this limit may name: those that the limit itself could have, so that what
 * is answered is what is served.
 */
export function largestOverride(policy: LimitPolicy): number {
  switch (policy.algorithm) {
    case "gcra":
    case "token-bucket":
    case "sliding-window":
      return Math.min(maxCount, Math.floor(Number.MAX_SAFE_INTEGER / policy.windowMs));
    case "sliding-log":
      return maxLogEntries;
    case "concurrency":
      return maxPermits;
    case "fixed-window":
    case "quota":
      return maxCount;
  }
}

const CheckItem = z.strictObject({ limit: Name, key: Key, cost: Cost.default(1) }).meta({ id: "CheckItem" });

/** One all-or-nothing decision over up to 20 limits. */
export const CheckRequest = z
  .strictObject({ checks: z.array(CheckItem).min(1).max(maxChecks) })
  .meta({ id: "CheckRequest", example: { checks: [{ limit: "api", key: "user:1", cost: 1 }] } });

/** Up to 1000 independent decisions. */
export const CheckBatchRequest = z.strictObject({ items: z.array(CheckItem).min(1).max(maxBatchItems) }).meta({
  id: "CheckBatchRequest",
  example: {
    items: [
      { limit: "api", key: "user:1", cost: 1 },
      { limit: "api", key: "user:2", cost: 1 },
    ],
  },
});

const figures = {
  limitValue: z.int().nullable().meta({ description: "the most admitted at one instant; null when unlimited" }),
  remaining: z
    .int()
    .nullable()
    .meta({ description: "what the object knows to be left; null when unlimited or unknown" }),
  resetMs: z.int().nullable().meta({ description: "milliseconds until the key is full again; null when unknown" }),
  retryAfterMs: z
    .int()
    .nullable()
    .meta({ description: "0 when allowed; else milliseconds until the same cost can pass; null when it never can" }),
};

/** What one limit said of one key. */
export const CheckResult = z
  .object({
    limit: Name,
    key: Key,
    allowed: z.boolean(),
    ...figures,
    source: z.enum(["object", "lease", "deny-cache", "fallback"]),
    shadow: z.object({ wouldDeny: z.boolean() }).optional(),
  })
  .meta({ id: "CheckResult" });

export const CheckResponse = z
  .object({ allowed: z.boolean(), results: z.array(CheckResult) })
  .meta({ id: "CheckResponse" });

/** An item that names no limit carries an error instead of a decision. */
export const CheckBatchResponse = z
  .object({
    results: z.array(
      z.union([
        CheckResult,
        z.object({ limit: z.string(), key: z.string(), error: z.object({ code: z.string(), detail: z.string() }) }),
      ]),
    ),
  })
  .meta({ id: "CheckBatchResponse" });

/** What a key stands at. */
export const KeyState = z
  .object({
    limit: Name,
    key: Key,
    ...figures,
    bannedMs: z.int().optional().meta({ description: "what is left of a ban" }),
  })
  .meta({ id: "KeyState" });

export const RefundRequest = z.strictObject({ cost: Cost }).meta({ id: "RefundRequest" });

export const ReserveRequest = z
  .strictObject({ cost: Cost, ttlMs: z.int().min(1).max(maxHoldMs).default(defaultReservationTtlMs) })
  .meta({ id: "ReserveRequest", example: { cost: 100, ttlMs: 60_000 } });
export const Reservation = z
  .object({ reservation: z.string(), expiresAt: z.string(), ...figures })
  .meta({ id: "Reservation" });

export const SettleRequest = z
  .strictObject({ cost: z.int().min(0).max(maxCount).meta({ description: "the real cost; 0 gives all back" }) })
  .meta({ id: "SettleRequest" });
export const Settlement = z
  .object({
    reserved: z.int(),
    charged: z.int().meta({ description: "what the reservation cost in the end" }),
    uncharged: z.int().meta({ description: "what of the real cost no longer fitted into the limit" }),
  })
  .meta({ id: "Settlement" });

export const BanRequest = z.strictObject({ durationMs: DurationMs }).meta({ id: "BanRequest" });

const PermitLife = z.strictObject({
  ttlMs: z.int().min(1).max(maxHoldMs).optional().meta({ description: "milliseconds; by default the policy's" }),
});
export const AcquireRequest = PermitLife.meta({ id: "AcquireRequest", example: { ttlMs: 30_000 } });
export const Permit = z
  .object({ permit: z.string(), expiresAt: z.string(), limitValue: z.int().nullable(), remaining: z.int().nullable() })
  .meta({ id: "Permit" });
export const RenewRequest = PermitLife.meta({ id: "RenewRequest", example: { ttlMs: 30_000 } });

export type LimitPolicy = z.infer<typeof LimitPolicy>;
export type FailMode = z.infer<typeof FailMode>;
export type Override = z.infer<typeof Override>;
export type CheckItem = z.infer<typeof CheckItem>;
export type CheckRequest = z.infer<typeof CheckRequest>;
export type CheckBatchRequest = z.infer<typeof CheckBatchRequest>;
export type CheckResult = z.infer<typeof CheckResult>;
export type CheckResponse = z.infer<typeof CheckResponse>;
export type CheckBatchResponse = z.infer<typeof CheckBatchResponse>;
export type KeyState = z.infer<typeof KeyState>;
export type Reservation = z.infer<typeof Reservation>;
export type Settlement = z.infer<typeof Settlement>;
export type Permit = z.infer<typeof Permit>;
