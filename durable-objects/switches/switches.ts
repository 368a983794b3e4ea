import { createDurable } from "itty-durable/itty-durable.js";
import { maxSwitches } from "../../contracts/control-plane.ts";
import {
  auditsDelivered,
  emptyLedger,
  type SwitchLedger,
  type SwitchOutcome,
  type SwitchWrite,
  switchEntries,
  writeSwitch,
} from "../../core/config/switch-ledger.ts";
import type { SwitchList } from "./switch-store.ts";

/** What this object uses of itty-durable, whose own types say `any`. */
interface IttyObject {
  /** Writes every field but `state` to storage, as one value. */
  persist(): Promise<void>;
}

const IttyDurable = createDurable() as new (state: DurableObjectState, env: unknown) => IttyObject;

/**
 * The operators' switches, few and seldom written. itty-durable loads the ledger before a call and keeps it as one value, so
 * a switch and the audit row that is owed for it are written together. `SwitchStore` is the only caller; each argument is
 * one text of JSON.
 */
export class Switches extends IttyDurable {
  ledger: SwitchLedger = emptyLedger;

  list(): SwitchList {
    return { seq: this.ledger.seq, entries: switchEntries(this.ledger) };
  }

  async write(text: string): Promise<{ outcome: SwitchOutcome }> {
    const { ledger, outcome } = writeSwitch(this.ledger, JSON.parse(text) as SwitchWrite, maxSwitches);
    if (ledger !== this.ledger) await this.#keep(ledger);
    return { outcome };
  }

  pendingAudits(count: string): SwitchLedger["pending"] {
    return this.ledger.pending.slice(0, Number(count));
  }

  async auditsDelivered(text: string): Promise<{ left: number }> {
    await this.#keep(auditsDelivered(this.ledger, JSON.parse(text) as string[]));
    return { left: this.ledger.pending.length };
  }

  async #keep(ledger: SwitchLedger): Promise<void> {
    this.ledger = ledger;
    await this.persist();
  }
}
