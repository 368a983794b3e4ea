import { refuse } from "../../../../contracts/result.ts";
import type { GatewayContext } from "../context.ts";

/**
 * Makes sure that the isolate has a configuration fresh enough to decide by.
 * @returns undefined when it has, which is the usual case and waits for nothing; else a promise that is false without any
 */
export function configuration(c: GatewayContext): Promise<boolean> | undefined {
  const { isolate, location } = c.get("state").services;
  return isolate.ready((promise) => c.executionCtx.waitUntil(promise), location(c.req.raw));
}

export const noConfiguration = refuse("control_plane_unavailable", "No configuration is known here yet; try again.");
