import { Ticket, TicketRequest } from "../../../../contracts/access.ts";
import { refuse } from "../../../../contracts/result.ts";
import { ticketsName } from "../auth/tickets.ts";
import { type Endpoint, endpoint, smallBodySizeBytes } from "../endpoint/endpoint.ts";
import { json, refused } from "../http/answer.ts";
import { timestamp } from "./list.ts";

const unavailable = refuse("control_plane_unavailable", "Tickets cannot be made now; try again.");

/** What browsers use where they cannot send headers: EventSource and WebSocket. */
export const tickets: readonly Endpoint[] = [
  endpoint(
    {
      method: "post",
      path: "/v1/tickets",
      tag: "access",
      summary: "Make a ticket",
      description:
        "A ticket opens one path once, within 30 s, with your scopes: append `?ticket=` to it. For browsers, whose EventSource cannot send Authorization. It takes no Idempotency-Key: a second ticket costs nothing, and the first ends by itself.",
      access: "any",
      body: { schema: TicketRequest, maxSizeBytes: smallBodySizeBytes },
      answers: { 201: { description: "The ticket.", schema: Ticket } },
      refusals: ["overloaded"],
    },
    async ({ c, services, principal, body }) => {
      const { tenantId, tenant, subject, scopes } = principal;
      const grant = { subject, tenant, scopes: [...scopes], path: body.path };
      try {
        const minted = await services.tickets.getByName(ticketsName(tenantId)).mint(tenantId, grant);
        if (!minted.ok) return refused(c, minted.refusal);
        const { ticket, expiresAtMs } = minted.value;
        return json(c, { ticket, expiresAt: timestamp(expiresAtMs) }, 201, { "cache-control": "no-store" });
      } catch (error) {
        services.log.write("warn", "the tickets object does not answer", { error: String(error) });
        return refused(c, unavailable.refusal);
      }
    },
  ),
];
