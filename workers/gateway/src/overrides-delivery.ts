import type { Undelivered } from "../../../database/overrides.ts";
import type { Services } from "./services.ts";

const chunkSize = 200;
/** Each delivery is a call of an object, and an invocation may make 1,000 calls. What is left waits for the next minute. */
const maxChunks = 4;
/** Calls at a time: an invocation has six connections waiting for an answer. */
const concurrency = 6;

type Delivery = Pick<Services, "database" | "limits" | "log">;
type Waiting = Pick<ExecutionContext, "waitUntil">;

/**
 * Puts stored overrides that their objects have not acknowledged in force, those tried longest ago first (CP-8).
 * @returns how many were delivered, at most 800; the rest is left for the next run
 */
export async function deliverOverrides(services: Delivery, context: Waiting): Promise<number> {
  let delivered = 0;
  for (let chunk = 0; chunk < maxChunks; chunk++) {
    const { found, taken } = await deliverChunk(services, context);
    delivered += taken;
    if (taken < found) services.log.write("warn", "overrides could not be delivered yet", { left: found - taken });
    // Fewer than asked for were all there are. Where nothing was taken the objects are away: the next run goes on behind.
    if (found < chunkSize || taken === 0) break;
  }
  return delivered;
}

async function deliverChunk(
  { database, limits }: Delivery,
  context: Waiting,
): Promise<{ found: number; taken: number }> {
  const undelivered = await database.overrides.undelivered(chunkSize);
  if (!undelivered.ok) return { found: 0, taken: 0 };
  const queue = [...undelivered.value];
  const taken: Undelivered[] = [];
  const left: Undelivered[] = [];
  const deliver = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      const call = {
        tenantId: item.tenantId,
        subject: "platform",
        waitUntil: (promise: Promise<unknown>) => context.waitUntil(promise),
      };
      const set = await limits.setOverride(call, item.limit, item.key, item.override, item.version);
      (set.ok ? taken : left).push(item);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, deliver));
  if (taken.length > 0) await database.overrides.markDelivered(taken);
  if (left.length > 0) await database.overrides.markAttempted(left, Date.now());
  return { found: undelivered.value.length, taken: taken.length };
}
