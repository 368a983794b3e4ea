/**
 * Every error that Breakwater answers, in one table: the stable `code`, its HTTP status, its title, and whether the same
 * request may succeed when sent again. Codes are part of the API: they are added, never renamed.
 */

interface ErrorKind {
  readonly status: number;
  readonly title: string;
  /** `retry`: the same request may succeed later. `final`: it will not until the caller or the configuration changes. */
  readonly retry: "retry" | "final";
}

const kinds = {
  // What the request says
  invalid_body: { status: 400, title: "The body does not fit its schema", retry: "final" },
  invalid_json: { status: 400, title: "The body is not JSON", retry: "final" },
  invalid_parameter: { status: 400, title: "A parameter does not fit its schema", retry: "final" },
  limit_needs_acquire: { status: 400, title: "A concurrency limit is acquired, not checked", retry: "final" },
  limit_not_concurrency: { status: 400, title: "Only a concurrency limit hands out permits", retry: "final" },
  limit_not_refundable: { status: 400, title: "This limit holds permits, not spent cost", retry: "final" },
  body_too_large: { status: 413, title: "The body is too large", retry: "final" },
  unsupported_media_type: { status: 415, title: "The body must be application/json", retry: "final" },
  method_not_allowed: { status: 405, title: "This path has no such method", retry: "final" },
  not_found: { status: 404, title: "Not found", retry: "final" },
  limit_not_found: { status: 404, title: "No limit has this name", retry: "final" },
  override_not_found: { status: 404, title: "This key has no override", retry: "final" },
  reservation_not_found: { status: 404, title: "No open reservation has this id", retry: "final" },
  permit_not_found: { status: 404, title: "No held permit has this id", retry: "final" },
  key_not_found: { status: 404, title: "No API key has this id", retry: "final" },
  switch_not_found: { status: 404, title: "No switch has this name", retry: "final" },
  issuer_not_found: { status: 404, title: "No issuer has this name", retry: "final" },

  // Who the caller is
  unauthenticated: { status: 401, title: "Credentials are missing or not valid", retry: "final" },
  forbidden: { status: 403, title: "The credentials do not allow this", retry: "final" },
  origin_not_allowed: { status: 403, title: "This origin may not call", retry: "final" },

  // What the state says
  version_mismatch: { status: 412, title: "The resource has changed since it was read", retry: "final" },
  idempotency_key_in_use: { status: 409, title: "A request with this Idempotency-Key is running", retry: "retry" },
  idempotency_key_reused: { status: 422, title: "This Idempotency-Key came with another body", retry: "final" },
  key_already_created: { status: 409, title: "The key was created; its secret is shown once", retry: "final" },
  too_many_resources: { status: 409, title: "A bound on resources is reached", retry: "final" },
  import_conflict: { status: 409, title: "The configuration changed during the import", retry: "retry" },

  // What a limit says
  quota_exceeded: { status: 429, title: "A quota is exceeded", retry: "retry" },
  permits_exhausted: { status: 429, title: "Every permit is held", retry: "retry" },

  // What the platform says
  internal: { status: 500, title: "Something went wrong on our side", retry: "retry" },
  limiter_unavailable: { status: 503, title: "The rate limiter does not answer", retry: "retry" },
  issuer_unavailable: { status: 503, title: "The issuer of the token does not answer", retry: "retry" },
  control_plane_unavailable: { status: 503, title: "The control plane does not answer", retry: "retry" },
  outcome_unknown: { status: 503, title: "The work may or may not have been done", retry: "retry" },
  overloaded: { status: 503, title: "The platform is at a bound", retry: "retry" },
  deadline_exceeded: { status: 504, title: "The deadline has passed", retry: "retry" },
} as const satisfies Record<string, ErrorKind>;

/** A stable error code. */
export type ErrorCode = keyof typeof kinds;

/** Status, title and retryability of each code. */
export const errorKinds: Readonly<Record<ErrorCode, ErrorKind>> = kinds;

/** Every code, for documents and tests. */
export const errorCodes = Object.keys(kinds) as ErrorCode[];
