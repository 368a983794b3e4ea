import { type Result, refuse } from "../../../../contracts/result.ts";
import type { RootHubRpc } from "../../../../contracts/rpc/hub.ts";
import type { Services } from "../services.ts";

const unavailable = refuse("control_plane_unavailable", "The control plane's root does not answer; try again.");
const unknown = refuse(
  "outcome_unknown",
  "The control plane's root did not answer; read what is there, then try again.",
);

/**
 * Asks the root hub. That it does not answer is a refusal too: of a write it then is not known whether it was done.
 */
export async function askRoot<T>(
  { rootHub, log }: Pick<Services, "rootHub" | "log">,
  kind: "read" | "write",
  ask: (root: RootHubRpc) => Promise<Result<T>>,
): Promise<Result<T>> {
  try {
    return await ask(rootHub.getByName("root"));
  } catch (error) {
    log.write("warn", "the root hub does not answer", { error: String(error) });
    return kind === "read" ? unavailable : unknown;
  }
}
