import type { GatewayContext } from "../context.ts";
import { noContent } from "../http/answer.ts";
import type { Step } from "./step.ts";

const allowedMethods = "GET, HEAD, PUT, POST, DELETE";
const allowedHeaders =
  "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id, X-Request-Timeout-Ms, traceparent";
const exposedHeaders =
  "ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed, traceparent";
/** How long a browser remembers a preflight; Chromium keeps none longer. */
const preflightMaxAgeS = 7200;

/** Answers the preflights of pages of ALLOWED_ORIGINS (https://fetch.spec.whatwg.org/#http-cors-protocol); by default there are none. */
export const preflight: Step = (c) => {
  const { allowedOrigins } = c.get("state").services.settings;
  if (allowedOrigins.size === 0 || c.req.method !== "OPTIONS") return undefined;
  const { headers } = c.req.raw;
  if (!allowedOrigins.has(headers.get("origin") ?? "") || !headers.has("access-control-request-method"))
    return undefined;
  return noContent(c, {
    "access-control-allow-methods": allowedMethods,
    "access-control-allow-headers": allowedHeaders,
    "access-control-max-age": String(preflightMaxAgeS),
  });
};

/** Lets pages of ALLOWED_ORIGINS read the answer. */
export function allowOrigin(c: GatewayContext, response: Response): void {
  const { allowedOrigins } = c.get("state").services.settings;
  if (allowedOrigins.size === 0) return;
  response.headers.append("vary", "Origin");
  const origin = c.req.raw.headers.get("origin");
  if (origin === null || !allowedOrigins.has(origin)) return;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("access-control-expose-headers", exposedHeaders);
}
