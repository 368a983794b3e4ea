import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../context.ts";
import { noContent } from "../http/answer.ts";

const allowedMethods = "GET, HEAD, PUT, POST, DELETE";
const allowedHeaders =
  "Authorization, Content-Type, If-Match, Idempotency-Key, X-Request-Id, X-Request-Timeout-Ms, traceparent";
const exposedHeaders =
  "ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed, traceparent";
/** How long a browser remembers a preflight; Chromium keeps none longer. */
const preflightMaxAgeS = 7200;

/** Lets pages of ALLOWED_ORIGINS call (https://fetch.spec.whatwg.org/#http-cors-protocol). By default none may. */
export const cors: MiddlewareHandler<GatewayEnv> = async (c, next) => {
  const { allowedOrigins } = c.get("state").services.settings;
  if (allowedOrigins.size === 0) return next();
  const origin = c.req.raw.headers.get("origin");
  const allowed = origin !== null && allowedOrigins.has(origin);
  if (allowed && c.req.method === "OPTIONS" && c.req.raw.headers.has("access-control-request-method")) {
    return noContent(c, {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": allowedMethods,
      "access-control-allow-headers": allowedHeaders,
      "access-control-max-age": String(preflightMaxAgeS),
      vary: "Origin",
    });
  }
  await next();
  c.res.headers.append("vary", "Origin");
  if (!allowed) return;
  c.res.headers.set("access-control-allow-origin", origin);
  c.res.headers.set("access-control-expose-headers", exposedHeaders);
};
