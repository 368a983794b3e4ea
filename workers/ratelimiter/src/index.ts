export { RateLimiter } from "../../../durable-objects/rate-limiter/rate-limiter.ts";

export default {
  fetch(): Response {
    return new Response(null, { status: 404 });
  },
};
