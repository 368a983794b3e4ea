import { DurableObject } from "cloudflare:workers";

export class RateLimiter extends DurableObject {
  ping(): number {
    return Date.now();
  }
}

export default {
  fetch(): Response {
    return new Response(null, { status: 404 });
  },
};
