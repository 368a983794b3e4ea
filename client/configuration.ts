import type { ListOptions } from "./resources.ts";
import type { CallOptions, PostOptions, Transport } from "./transport.ts";
import type { AuditPage, ChangePlan, ConfigDocument, ConfigDocumentInput } from "./types.ts";

/** The whole configuration as one document, and who changed what. */
export class Configuration {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Everything that the caller may see, for a repository of configuration. */
  async export(options?: CallOptions): Promise<ConfigDocument> {
    return this.#transport.json<ConfigDocument>({ method: "GET", path: "/v1/export", options });
  }

  /**
   * Makes the configuration what the document says, all or nothing.
   *
   * @param options.dryRun tells what would change, and changes nothing
   */
  async import(
    document: ConfigDocumentInput,
    { dryRun, ...options }: PostOptions & { readonly dryRun?: boolean } = {},
  ): Promise<ChangePlan> {
    const call = { method: "POST", path: "/v1/import", query: { dryRun: dryRun || undefined } } as const;
    return this.#transport.json<ChangePlan>({ ...call, body: document, options });
  }

  /** One page of the audit, newest first; its `cursor`, when there is one, gives the next. */
  async audit({ limit, cursor, ...options }: ListOptions = {}): Promise<AuditPage> {
    return this.#transport.json<AuditPage>({ method: "GET", path: "/v1/audit", query: { limit, cursor }, options });
  }
}
