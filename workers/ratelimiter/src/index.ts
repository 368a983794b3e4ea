export { RateLimiter } from "../../../durable-objects/rate-limiter/rate-limiter.ts";
export { RateLimiterService } from "./service.ts";

/** The worker has no route; a request can only reach it by mistake. */
export default {
  fetch(): Response {
    return new Response(null, { status: 404 });
  },
};
