import { proxyDurable } from "itty-durable/proxy-durable.js";
import type { ConfigEntry } from "../../core/config/entry.ts";
import type { SwitchAudit, SwitchOutcome, SwitchWrite } from "../../core/config/switch-ledger.ts";

export interface SwitchList {
  /** Sequence number of the last change. */
  readonly seq: number;
  readonly entries: readonly ConfigEntry[];
}

/** The methods that may be called, by name: nothing else of the object is ever named. */
interface SwitchMethods {
  list(): Promise<SwitchList>;
  write(text: string): Promise<{ outcome: SwitchOutcome }>;
  pendingAudits(count: string): Promise<SwitchAudit[]>;
  auditsDelivered(text: string): Promise<{ left: number }>;
}

/**
 * The one door to the Switches object. itty-durable sends arguments as JSON in a header, which holds only ASCII and is no
 * place for a path or a name; so each call passes one escaped text, and answers are JSON. Every method rejects when the
 * object does not answer; a write may then have been done.
 */
export class SwitchStore {
  readonly #namespace: DurableObjectNamespace;

  constructor(namespace: DurableObjectNamespace) {
    this.#namespace = namespace;
  }

  list(): Promise<SwitchList> {
    return this.#object().list();
  }

  async write(write: SwitchWrite): Promise<SwitchOutcome> {
    return (await this.#object().write(asciiJson(write))).outcome;
  }

  /** The oldest changes that D1's audit lacks, at most `count`. */
  pendingAudits(count: number): Promise<SwitchAudit[]> {
    return this.#object().pendingAudits(String(count));
  }

  /** D1 has the audit rows of these ids. Returns how many are still owed. */
  async auditsDelivered(ids: readonly string[]): Promise<number> {
    return (await this.#object().auditsDelivered(asciiJson(ids))).left;
  }

  /** A fresh stub for each call: one that failed stays broken. */
  #object(): SwitchMethods {
    return proxyDurable(this.#namespace).get("switches", { parse: true }) as SwitchMethods;
  }
}

/** JSON in which every character beyond ASCII is escaped. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
