import { type Refusal, refuse } from "../../../../contracts/result.ts";

/** A tenant's limit of this name bounds its calls of the management routes, by credential. */
export const managementLimit = "gateway.api";

const ownPrefix = "gateway.";

const notTheirs = refuse(
  "forbidden",
  `Limits whose name begins with "${ownPrefix}" are spent by the gateway alone: callers set their policy, peek, reset and unban, but neither check, reserve, acquire nor ban.`,
);

/**
 * The refusal of an operation that takes something from `limits`, where one of them is the gateway's own (GW-5): a caller that could
 * spend or ban there would shut others out of the management routes.
 */
export function ownLimitAmong(limits: Iterable<{ readonly limit: string }>): Refusal | undefined {
  for (const { limit } of limits) if (limit.startsWith(ownPrefix)) return notTheirs.refusal;
  return undefined;
}
