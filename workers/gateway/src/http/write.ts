import { ok, type Result } from "../../../../contracts/result.ts";
import { objectName } from "../../../../core/object-name.ts";
import type { Write } from "../../../../database/write.ts";
import { sha256Hex } from "../../../../isolate/input-hash.ts";
import type { Call } from "../endpoint/endpoint.ts";
import { condition } from "./etag.ts";

type AnyCall = Call<unknown, unknown, unknown>;

/** What the database needs to know of a writing request: who, when, over which version, and under which Idempotency-Key. */
export async function writeOf({ c, state, principal, idempotency }: AnyCall): Promise<Result<Write>> {
  const expected = condition(c.req.raw.headers);
  if (!expected.ok) return expected;
  const actor = { tenantId: principal.tenantId, subject: principal.subject, requestId: state.id };
  const id =
    idempotency && (await sha256Hex(objectName(actor.tenantId, actor.subject, idempotency.route, idempotency.key)));
  return ok({
    actor,
    nowMs: Date.now(),
    ...(expected.value === undefined ? undefined : { ifMatch: expected.value }),
    ...(id === undefined || idempotency === undefined
      ? undefined
      : { idempotency: { id, bodyHash: idempotency.bodyHash } }),
  });
}

/** How long a write waits for the root to hear of it; a later poll of the root does it otherwise. */
const announceTimeoutMs = 1_000;

/** Tells the root that the audit has reached `seq`, so that other isolates hear of the change within a second (CP-2). */
export async function announce({ services, state }: Pick<AnyCall, "services" | "state">, seq: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), announceTimeoutMs);
  });
  try {
    await Promise.race([services.rootHub.getByName("root").changed(seq), late]);
  } catch (error) {
    services.log.write("warn", "the root hub did not hear of a change", {
      request_id: state.id,
      seq,
      error: String(error),
    });
  } finally {
    clearTimeout(timer);
  }
}
