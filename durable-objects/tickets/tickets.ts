import { DurableObject } from "cloudflare:workers";
import { ok, type Result, refuse } from "../../contracts/result.ts";
import type { TicketGrant, TicketsRpc } from "../../contracts/rpc/hub.ts";
import { toHex } from "../../core/hex.ts";

/** A ticket's life: long enough to open a connection with it. */
const ttlMs = 30_000;
/** Most unspent tickets of one tenant: with a life of 30 s this is 333 connections opened a second. */
const maxTickets = 10_000;
const secretSizeBytes = 32;

type Row = { hash: string; grant_body: string; path: string; expires_at_ms: number };

const notValid = refuse(
  "unauthenticated",
  "The ticket is unknown, used or too old; get a new one at POST /v1/tickets.",
);

/** One tenant's single-use tickets (AU-7). A ticket is `<tenant id>.<secret>`; of the secret only the hash is stored. */
export class Tickets extends DurableObject implements TicketsRpc {
  /**
   * Makes a ticket for one use of `grant.path` within 30 s. Refuses `overloaded` at 10,000 unspent ones.
   * @param tenantId the tenant that this object belongs to, with which the ticket starts
   */
  async mint(
    tenantId: string,
    grant: TicketGrant,
  ): Promise<Result<{ readonly ticket: string; readonly expiresAtMs: number }>> {
    const secret = toHex(crypto.getRandomValues(new Uint8Array(secretSizeBytes)));
    const ticket = `${tenantId}.${secret}`;
    const hash = await sha256(ticket);
    const nowMs = Date.now();
    this.#createTable();
    this.#dropExpired(nowMs);
    const { sql } = this.ctx.storage;
    const { count } = sql.exec<{ count: number }>("SELECT count(*) AS count FROM tickets").one();
    if (count >= maxTickets) return refuse("overloaded", "Too many tickets are unspent. Wait for some to end.", ttlMs);

    const expiresAtMs = nowMs + ttlMs;
    const { path, ...rest } = grant;
    sql.exec("INSERT INTO tickets VALUES (?, ?, ?, ?)", hash, JSON.stringify(rest), path, expiresAtMs);
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(expiresAtMs);
    return ok({ ticket, expiresAtMs });
  }

  /**
   * Spends the ticket and returns its maker. It is spent also when the path is another: a ticket is shown once.
   * Refuses `unauthenticated` when it is unknown, used, too old or for another path.
   */
  async redeem(ticket: string, path: string): Promise<Result<TicketGrant>> {
    const hash = await sha256(ticket);
    // An object without tickets must stay without storage: anybody can name one.
    if (!this.#hasTable()) return notValid;
    const rows = this.ctx.storage.sql.exec<Row>("DELETE FROM tickets WHERE hash = ? RETURNING *", hash).toArray();
    const [row] = rows;
    if (row === undefined || row.expires_at_ms <= Date.now() || row.path !== path) return notValid;
    return ok({ ...(JSON.parse(row.grant_body) as Omit<TicketGrant, "path">), path });
  }

  /** Forgets the tickets whose time is over, and with the last one everything. */
  override async alarm(): Promise<void> {
    if (!this.#hasTable()) return;
    this.#dropExpired(Date.now());
    const next = this.ctx.storage.sql
      .exec<{ at: number | null }>("SELECT min(expires_at_ms) AS at FROM tickets")
      .one().at;
    if (next === null) await this.ctx.storage.deleteAll();
    else await this.ctx.storage.setAlarm(next);
  }

  #createTable(): void {
    this.ctx.storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS tickets (hash TEXT PRIMARY KEY, grant_body TEXT NOT NULL, path TEXT NOT NULL,
        expires_at_ms INTEGER NOT NULL) WITHOUT ROWID`,
    );
  }

  #hasTable(): boolean {
    const tables = this.ctx.storage.sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tickets'");
    return tables.toArray().length > 0;
  }

  #dropExpired(nowMs: number): void {
    this.ctx.storage.sql.exec("DELETE FROM tickets WHERE expires_at_ms <= ?", nowMs);
  }
}

async function sha256(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}
