import { z } from "zod";
import { Issuer } from "./access.ts";
import { LimitName, LimitPolicy, Override } from "./limits.ts";
import { Key, Name, Timestamp } from "./names.ts";

/**
 * The kinds of resource. `tenant`: each tenant has its own, `platform`: one set, for administrators.
 * A new kind is one line here and its schema.
 */
export const resourceKinds = {
  limits: { scope: "tenant", schema: LimitPolicy },
  issuers: { scope: "platform", schema: Issuer },
} as const;

export type ResourceKind = keyof typeof resourceKinds;

/** Kinds that isolates hold whole, and kinds of which they hear only that something changed. */
export type ChangeKind = ResourceKind | "switches" | "tenants" | "keys" | "overrides";

/** Most limits, issuers, routes, upstreams and switches together: an isolate's snapshot holds them all. */
export const maxSnapshotEntries = 10_000;
/** Most switches: they are kept as one value of one object. */
export const maxSwitches = 200;
/** Most resources and tenants: what a snapshot holds beside switches. */
export const maxStoredEntries = maxSnapshotEntries - maxSwitches;

/** Largest value of a switch, as JSON text. */
const maxSwitchValueSizeBytes = 1024;

export const SwitchRequest = z
  .strictObject({
    on: z.boolean(),
    value: z
      .json()
      .refine(
        (value) => JSON.stringify(value).length <= maxSwitchValueSizeBytes,
        "must be at most 1024 characters of JSON",
      )
      .optional(),
    until: Timestamp.optional().meta({ description: "when the switch turns itself off" }),
  })
  .meta({ id: "SwitchRequest", example: { on: true, until: "2030-01-01T00:00:00Z" } });

export const Switch = z
  .object({
    name: Name,
    on: z.boolean(),
    value: z.json().optional(),
    until: Timestamp.optional(),
    updatedAt: Timestamp,
    updatedBy: z.string(),
  })
  .meta({ id: "Switch" });

/** The switches that the platform itself reads. */
export const builtInSwitches = {
  "limits.shadow-all": "Every limit decides and reports, none refuses.",
  "limits.fail-open": "A check that the object does not answer in time is admitted, whatever the policy says.",
  "limits.fail-closed": "A check that the object does not answer in time is refused; wins over limits.fail-open.",
} as const;

/** The built-in switches begin so, and no other may: a misspelt one would be on and do nothing. */
const builtInPrefix = "limits.";

/** The name that a switch is set under. */
export const SwitchName = Name.refine(
  (name) => !name.startsWith(builtInPrefix) || Object.hasOwn(builtInSwitches, name),
  `must be ${Object.keys(builtInSwitches)
    .join(", ")
    .replace(/, (?=[^,]*$)/, " or ")} where it begins with "${builtInPrefix}"`,
).meta({ description: "a built-in switch, or a name of your own outside `limits.`", example: "limits.shadow-all" });

export const AuditEntry = z
  .object({
    seq: z.int(),
    at: Timestamp,
    actor: z.string(),
    tenant: z.string().nullable().meta({ description: "null for what is platform-wide" }),
    action: z.string().meta({ example: "put" }),
    kind: z.string().meta({ example: "limits" }),
    name: z.string(),
    before: z.json().nullable(),
    after: z.json().nullable(),
    requestId: z.string(),
  })
  .meta({ id: "AuditEntry" });
export const AuditList = z
  .object({ entries: z.array(AuditEntry), cursor: z.string().optional() })
  .meta({ id: "AuditList" });

/** The whole configuration of what the caller may see, as one document. An import leaves a section alone that it lacks. */
export const ConfigDocument = z
  .strictObject({
    version: z.literal(1),
    limits: z.record(LimitName, LimitPolicy).optional(),
    overrides: z
      .array(z.strictObject({ limit: Name, key: Key, override: Override }))
      .max(10_000)
      .optional(),
    issuers: z.record(Name, Issuer).optional().meta({ description: "administrators only" }),
  })
  .meta({
    id: "ConfigDocument",
    example: {
      version: 1,
      limits: {
        api: { algorithm: "gcra", limit: 100, windowMs: 60_000, burst: 100 },
        daily: { algorithm: "quota", limit: 1000, calendar: { unit: "day", timeZone: "Europe/Paris" } },
        jobs: { algorithm: "concurrency", limit: 2, ttlMs: 30_000 },
      },
      overrides: [{ limit: "api", key: "user:1", override: { limit: 1000 } }],
    },
  });

/** What a write did or, with dryRun, would do. */
export const Change = z
  .object({
    kind: z.string(),
    name: z.string(),
    action: z.enum(["create", "update", "delete", "unchanged"]),
    before: z.json().nullable(),
    after: z.json().nullable(),
  })
  .meta({ id: "Change" });
export const ChangePlan = z.object({ dryRun: z.boolean(), changes: z.array(Change) }).meta({ id: "ChangePlan" });

export type Switch = z.infer<typeof Switch>;
export type SwitchRequest = z.infer<typeof SwitchRequest>;
export type AuditEntry = z.infer<typeof AuditEntry>;
export type ConfigDocument = z.infer<typeof ConfigDocument>;
export type Change = z.infer<typeof Change>;
