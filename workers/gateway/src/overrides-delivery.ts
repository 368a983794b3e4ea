import type { Undelivered } from "../../../database/overrides.ts";
import type { Services } from "./services.ts";

/** Overrides delivered in one go: each is a call of an object, and an invocation may make 1,000. */
const chunkSize = 200;
/** Calls at a time: an invocation has six connections waiting for an answer. */
const concurrency = 6;

/**
 * Puts stored overrides that their objects have not acknowledged in force, oldest first, a chunk at a time (CP-8).
 * @returns how many were delivered; the rest is left for the next run
 */
export async function deliverOverrides(
  { database, limits, log }: Pick<Services, "database" | "limits" | "log">,
  context: Pick<ExecutionContext, "waitUntil">,
): Promise<number> {
  const undelivered = await database.overrides.undelivered(chunkSize);
  if (!undelivered.ok) return 0;
  const queue = [...undelivered.value];
  const delivered: Undelivered[] = [];
  const deliver = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      const call = {
        tenantId: item.tenantId,
        subject: "platform",
        waitUntil: (promise: Promise<unknown>) => context.waitUntil(promise),
      };
      const set = await limits.setOverride(call, item.limit, item.key, item.override, item.version);
      if (set.ok) delivered.push(item);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, deliver));
  if (delivered.length > 0) await database.overrides.markDelivered(delivered);
  const left = undelivered.value.length - delivered.length;
  if (left > 0) log.write("warn", "overrides could not be delivered yet", { left });
  return delivered.length;
}
