import { z } from "zod";
import { changesBetween, seenBy } from "../configuration-changes.ts";
import { type Call, type Endpoint, endpoint } from "../endpoint/endpoint.ts";
import { eventStream, type Send } from "../http/event-stream.ts";
import { configuration } from "../middleware/configuration.ts";

/** How often a stream looks for changes, and whether its maker's credentials still count. */
const tickMs = 1_000;
/** A stream ends after this long; the client opens another. It bounds what a vanished client costs. */
const maxTicks = 300;
/** Proxies close connections that say nothing for a minute. */
const ticksPerHeartbeat = 15;

export const events: readonly Endpoint[] = [
  endpoint(
    {
      method: "get",
      path: "/v1/events",
      tag: "configuration",
      summary: "Follow changes",
      description:
        'Server-sent events: `ready` at the start, then a `change` for each limit (and, for administrators, issuer) that is put or deleted: `{"kind","name","action","version"}`. Ends after five minutes, and when the credentials no longer count. After reconnecting, list what you show again.',
      access: "events:read",
      ticket: true,
      query: z.strictObject({ ticket: z.string().optional().meta({ description: "from POST /v1/tickets" }) }),
      answers: { 200: { description: "The events.", mediaType: "text/event-stream" } },
      refusals: ["origin_not_allowed"],
    },
    (call) => eventStream(call.c, (send) => follow(call, send)),
  ),
];

type FollowCall = Pick<Call<unknown, unknown, unknown>, "c" | "services" | "principal">;

async function follow({ c, services, principal }: FollowCall, send: Send): Promise<void> {
  const { config } = services.isolate;
  let version = config.version;
  let seen = seenBy(principal, config);
  await send({ event: "ready", id: String(version), data: { version } });
  for (let tick = 1; tick <= maxTicks; tick++) {
    await new Promise((resolve) => setTimeout(resolve, tickMs));
    await configuration(c);
    if (!(await services.authenticator.stillHolds(principal.subject, Date.now()))) return;
    if (config.version !== version) {
      version = config.version;
      const now = seenBy(principal, config);
      for (const change of changesBetween(seen, now))
        await send({ event: "change", id: String(version), data: change });
      seen = now;
    } else if (tick % ticksPerHeartbeat === 0) await send(null);
  }
}
