import { Configuration } from "./configuration.ts";
import { Keys } from "./keys.ts";
import { Limits } from "./limits.ts";
import { NamedResources } from "./resources.ts";
import { Switches } from "./switches.ts";
import { type CallOptions, type ClientOptions, Transport } from "./transport.ts";
import type { IssuerInput, IssuerPage, Readiness, StoredIssuer, Ticket } from "./types.ts";

/**
 * The client of a Breakwater gateway, for browsers, Node 18 and later, and Workers.
 *
 * Calls reject with a BreakwaterError, or with the reason of the caller's own signal. They are repeated where that is
 * safe: docs/design/client.md.
 *
 * @example
 * const breakwater = new Breakwater({ baseUrl: "https://limits.example.com", token: "bw_…" });
 * const { allowed } = await breakwater.limits.check({ limit: "api", key: "user:1" });
 */
export class Breakwater {
  readonly #transport: Transport;
  readonly limits: Limits;
  readonly keys: Keys;
  /** Feature flags and kill switches; administrators set them. */
  readonly switches: Switches;
  /** Whose JWTs count; administrators. */
  readonly issuers: NamedResources<IssuerInput, StoredIssuer, IssuerPage>;
  readonly configuration: Configuration;

  /** @throws RangeError or TypeError for options that no call could use */
  constructor(options: ClientOptions) {
    const transport = new Transport(options);
    this.#transport = transport;
    this.limits = new Limits(transport);
    this.keys = new Keys(transport);
    this.switches = new Switches(transport);
    this.issuers = new NamedResources(transport, "/v1/issuers");
    this.configuration = new Configuration(transport);
  }

  /** A ticket, good once and for 30 s, for a WebSocket or an EventSource at `path`, which cannot send headers. */
  async ticket(path: string, options?: CallOptions): Promise<Ticket> {
    // A ticket that nobody heard of ends by itself.
    const call = { method: "POST", path: "/v1/tickets", repetition: "harmless" } as const;
    return this.#transport.json<Ticket>({ ...call, body: { path }, options });
  }

  /** Whether the gateway runs. A gateway that does not rejects. */
  async healthy(options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: "GET", path: "/healthz", options });
  }

  /** Whether the gateway can decide. One that has no configuration yet rejects with `control_plane_unavailable`. */
  async ready(options?: CallOptions): Promise<Readiness> {
    return this.#transport.json<Readiness>({ method: "GET", path: "/readyz", options });
  }
}
