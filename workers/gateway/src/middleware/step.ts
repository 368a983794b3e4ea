import type { GatewayContext } from "../context.ts";

/**
 * A part of what every request passes: answers, or lets the request go on. Unlike Hono's middleware it wraps nothing, so that
 * those that need not wait cost the hot path no promise and no closure.
 */
export type Step = (c: GatewayContext) => Response | undefined;
