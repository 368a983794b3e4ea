import { z } from "zod";
import { builtInSwitches, Switch, SwitchName, SwitchRequest } from "../../../../contracts/control-plane.ts";
import { Name } from "../../../../contracts/names.ts";
import { refuse } from "../../../../contracts/result.ts";
import { type Endpoint, endpoint, smallBodySizeBytes } from "../endpoint/endpoint.ts";
import { json, noContent, refused } from "../http/answer.ts";
import { askRoot } from "../http/root.ts";

const NameParams = z.strictObject({ name: Name });
const example = { params: { name: "limits.shadow-all" } };
const SwitchList = z.object({ switches: z.array(Switch) }).meta({ id: "SwitchList" });

const builtIn = Object.entries(builtInSwitches).map(([name, meaning]) => `- \`${name}\`: ${meaning}`);

/** Feature flags and kill switches. They work while the database is away. */
export const switches: readonly Endpoint[] = [
  endpoint(
    {
      method: "get",
      path: "/v1/switches",
      tag: "configuration",
      summary: "List switches",
      access: "switches:read",
      answers: { 200: { description: "Every switch that was set; at most 200.", schema: SwitchList } },
    },
    async ({ c, services }) => {
      const listed = await askRoot(services, "read", (root) => root.listSwitches());
      return listed.ok ? json(c, { switches: listed.value }) : refused(c, listed.refusal);
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/switches/{name}",
      tag: "configuration",
      summary: "Read a switch",
      access: "switches:read",
      params: NameParams,
      example,
      answers: { 200: { description: "The switch.", schema: Switch } },
      refusals: ["switch_not_found"],
    },
    async ({ c, services, params }) => {
      const listed = await askRoot(services, "read", (root) => root.listSwitches());
      if (!listed.ok) return refused(c, listed.refusal);
      const found = listed.value.find(({ name }) => name === params.name);
      return found === undefined ? refused(c, notFound.refusal) : json(c, found);
    },
  ),
  endpoint(
    {
      method: "put",
      path: "/v1/switches/{name}",
      tag: "configuration",
      summary: "Set a switch",
      description: `In force everywhere within a second. Built in:\n\n${builtIn.join("\n")}\n\nOther names that begin with \`limits.\` are refused.`,
      access: "admin",
      params: z.strictObject({ name: SwitchName }),
      example,
      body: { schema: SwitchRequest, maxSizeBytes: smallBodySizeBytes },
      answers: {
        200: { description: "The switch as it is now.", schema: Switch },
        201: { description: "Created.", schema: Switch },
      },
      refusals: ["too_many_resources", "outcome_unknown"],
    },
    async ({ c, state, services, principal, params, body }) => {
      const actor = { subject: principal.subject, requestId: state.id };
      const set = await askRoot(services, "write", (root) => root.putSwitch(params.name, body, actor));
      if (!set.ok) return refused(c, set.refusal);
      services.isolate.apply(set.value.entry);
      return json(c, set.value.switch, set.value.created ? 201 : 200);
    },
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/switches/{name}",
      tag: "configuration",
      summary: "Delete a switch",
      description: "A switch that does not exist is off.",
      access: "admin",
      params: NameParams,
      example,
      answers: { 204: { description: "Deleted." } },
      refusals: ["switch_not_found", "outcome_unknown"],
    },
    async ({ c, state, services, principal, params }) => {
      const actor = { subject: principal.subject, requestId: state.id };
      const deleted = await askRoot(services, "write", (root) => root.deleteSwitch(params.name, actor));
      if (!deleted.ok) return refused(c, deleted.refusal);
      services.isolate.apply(deleted.value.entry);
      return noContent(c);
    },
  ),
];

const notFound = refuse("switch_not_found", "No switch has this name; one that was never set is off.");
