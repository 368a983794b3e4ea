import type { z } from "zod";
import type { Principal, Scope } from "../../../../contracts/access.ts";
import type { ErrorCode } from "../../../../contracts/errors.ts";
import type { GatewayContext, RequestState } from "../context.ts";
import type { IdempotencyRequest } from "../middleware/idempotency-key.ts";
import type { Services } from "../services.ts";

/** The body of most requests: a few members. */
export const smallBodySizeBytes = 16 * 1024;

/** Sections of the documentation, in its order. */
export const tags = {
  checks: "Decide whether requests may pass.",
  limits: "Policies, and overrides for single keys.",
  keys: "What a key of a limit stands at, and what operators do to it.",
  holds: "Reservations that are settled later, and permits of concurrency limits.",
  access: "API keys, issuers of JWTs, and tickets for browsers.",
  configuration: "Audit, export and import, switches, live events.",
  operation: "Health, metrics and this documentation.",
} as const;
export type Tag = keyof typeof tags;

export interface BodySpec<B> {
  readonly schema: z.ZodType<B>;
  readonly maxSizeBytes: number;
  /** An absent body counts as `{}`. */
  readonly optional?: true;
}

export interface AnswerSpec {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Content type where it is not JSON. */
  readonly mediaType?: string;
  /** Headers and what they say. */
  readonly headers?: Readonly<Record<string, string>>;
}

type Example = Readonly<Record<string, string>>;

/**
 * One method of one path: what it takes, what it answers, who may call it. Requests are validated by it and the OpenAPI
 * document is made from it (GW-4).
 */
export interface EndpointSpec<P, Q, B> {
  readonly method: "get" | "put" | "post" | "delete";
  /** An OpenAPI path template: `/v1/limits/{name}`. */
  readonly path: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** The scope that a caller needs; `public` needs no credentials, `any` only valid ones. */
  readonly access: Scope | "any" | "public";
  /** Browsers cannot send headers here: a single-use `?ticket=` is taken for credentials (AU-7). */
  readonly ticket?: true;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: BodySpec<B>;
  /** Whether it takes If-Match. */
  readonly conditional?: true;
  /** Whether it takes Idempotency-Key: every POST that changes something. */
  readonly idempotent?: true;
  /** Values that the documentation's example uses instead of those of the schemas; of the query nothing else is shown. */
  readonly example?: { readonly params?: Example; readonly query?: Example };
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  /** Refusals of its own, beside those of every endpoint. */
  readonly refusals?: readonly ErrorCode[];
}

/** A request that has passed authentication and validation. */
export interface Call<P, Q, B> {
  readonly c: GatewayContext;
  readonly state: RequestState;
  readonly services: Services;
  readonly principal: Principal;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Present when the request carries an Idempotency-Key. */
  readonly idempotency: IdempotencyRequest | undefined;
}

export interface Endpoint<P = unknown, Q = unknown, B = unknown> {
  readonly spec: EndpointSpec<P, Q, B>;
  // A method, so that endpoints of different inputs fit one list: each is only called with what its own spec has parsed.
  handle(call: Call<P, Q, B>): Promise<Response> | Response;
}

/** Joins a spec and its handler, whose input types follow from the spec. */
export function endpoint<P = undefined, Q = undefined, B = undefined>(
  spec: EndpointSpec<P, Q, B>,
  handle: (call: Call<P, Q, B>) => Promise<Response> | Response,
): Endpoint {
  return { spec, handle } as Endpoint;
}
