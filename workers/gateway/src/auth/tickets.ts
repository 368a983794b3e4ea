import { type Principal, Scope } from "../../../../contracts/access.ts";
import { ok, type Result, refuse } from "../../../../contracts/result.ts";
import type { TicketGrant } from "../../../../contracts/rpc/hub.ts";
import { objectName } from "../../../../core/object-name.ts";
import type { Services } from "../services.ts";

/** `<tenant id>.<ticket>`: the tenant's object keeps its tickets, and the id says which object that is. */
const form = /^(t_[0-9a-f]{20})\.[0-9a-f]{64}$/;

const notValid = refuse(
  "unauthenticated",
  "The ticket is unknown, used or too old; get a new one at POST /v1/tickets.",
);
const unavailable = refuse("control_plane_unavailable", "Tickets cannot be checked now; try again.");

/** The object that keeps a tenant's tickets. */
export function ticketsName(tenantId: string): string {
  return objectName(tenantId, "tickets");
}

/** Spends `ticket` for `path` and returns whom it stands for: its maker, with no more scopes than the maker had (AU-7). */
export async function redeemTicket(
  { tickets, log }: Pick<Services, "tickets" | "log">,
  ticket: string,
  path: string,
): Promise<Result<Principal>> {
  const tenantId = form.exec(ticket)?.[1];
  if (tenantId === undefined) return notValid;
  let redeemed: Result<TicketGrant>;
  try {
    redeemed = await tickets.getByName(ticketsName(tenantId)).redeem(ticket, path);
  } catch (error) {
    log.write("warn", "the tickets object does not answer", { error: String(error) });
    return unavailable;
  }
  if (!redeemed.ok) return redeemed;
  const { subject, tenant, scopes } = redeemed.value;
  return ok({ tenantId, tenant, subject, scopes: new Set(Scope.array().parse(scopes)) });
}
