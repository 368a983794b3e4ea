import { z } from "zod";
import { Name, Timestamp } from "./names.ts";

/** What a key or a token may do. `admin` holds every scope and acts on what is platform-wide. */
export const scopes = [
  "admin",
  "limits:check",
  "limits:read",
  "limits:write",
  "keys:read",
  "keys:write",
  "audit:read",
  "config:read",
  "config:write",
  "switches:read",
  "metrics:read",
  "events:read",
] as const;

export const Scope = z.enum(scopes).meta({ id: "Scope" });
export type Scope = z.infer<typeof Scope>;

/** Most scopes on one key: each once. */
const maxScopes = scopes.length;

export const CreateKeyRequest = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    tenant: Name.optional().meta({
      description: "the caller's own by default; administrators may name another, and a new name creates it",
    }),
    scopes: z.array(Scope).min(1).max(maxScopes),
    expiresAt: Timestamp.optional(),
  })
  .meta({ id: "CreateKeyRequest", example: { name: "checkout", tenant: "default", scopes: ["limits:check"] } });

/** A key with its secret: shown once, at creation and rotation. */
export const CreatedKey = z
  .object({ id: z.string(), key: z.string().meta({ description: "bw_<id>_<secret>, shown once" }) })
  .meta({ id: "CreatedKey" });

export const RotateKeyRequest = z
  .strictObject({
    graceMs: z
      .int()
      .min(0)
      .max(24 * 60 * 60 * 1000)
      .default(0)
      .meta({ description: "how long the old secret still works, milliseconds" }),
  })
  .meta({ id: "RotateKeyRequest" });

export const ApiKey = z
  .object({
    id: z.string(),
    name: z.string(),
    tenant: Name,
    scopes: z.array(Scope),
    createdAt: Timestamp,
    expiresAt: Timestamp.nullable(),
    revokedAt: Timestamp.nullable(),
    lastUsedAt: Timestamp.nullable().meta({ description: "to the minute" }),
  })
  .meta({ id: "ApiKey" });
export const ApiKeyList = z.object({ keys: z.array(ApiKey), cursor: z.string().optional() }).meta({ id: "ApiKeyList" });

/** A trusted issuer of JWTs: whose tokens count, and for which tenant. */
export const Issuer = z
  .strictObject({
    issuer: z.string().min(1).max(512).meta({ description: "the exact `iss` claim" }),
    audience: z.string().min(1).max(512),
    jwksUrl: z.url({ protocol: /^https?$/ }).max(2048),
    algorithms: z
      .array(z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]))
      .min(1)
      .max(9)
      .default(["RS256", "ES256"]),
    tenant: Name.default("default"),
    scopes: z
      .array(Scope)
      .max(maxScopes)
      .default([])
      .meta({ description: "the most a token of this issuer may hold; its `scope` claim picks among them" }),
  })
  .meta({
    id: "Issuer",
    example: {
      issuer: "https://id.example.com/",
      audience: "breakwater",
      jwksUrl: "https://id.example.com/.well-known/jwks.json",
      scopes: ["limits:check"],
    },
  });

export const TicketRequest = z
  .strictObject({
    path: z
      .string()
      .regex(/^\/v1\/[\w\-./%]{1,500}$/)
      .meta({ example: "/v1/events" }),
  })
  .meta({ id: "TicketRequest" });
export const Ticket = z.object({ ticket: z.string(), expiresAt: Timestamp }).meta({ id: "Ticket" });

export type CreateKeyRequest = z.infer<typeof CreateKeyRequest>;
export type ApiKey = z.infer<typeof ApiKey>;
export type Issuer = z.infer<typeof Issuer>;

/** Who a request acts for, once authentication has decided. */
export interface Principal {
  /** Server-minted id of the tenant; every object name starts with it. */
  readonly tenantId: string;
  readonly tenant: string;
  /** `key:<id>`, `jwt:<issuer name>:<sub>` or `admin`. */
  readonly subject: string;
  readonly scopes: ReadonlySet<Scope>;
}
