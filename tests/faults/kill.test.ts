import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditEntry } from "../../contracts/control-plane.ts";
import type { CheckResponse, KeyState } from "../../contracts/limits.ts";
import { checkIdempotently, Load, type Tally, type Written } from "./load.ts";
import { Random } from "./random.ts";
import { Served, scratchFolder, until } from "./served.ts";

/** No token comes back while a test runs: 400 days. */
const windowMs = 400 * 24 * 60 * 60 * 1000;
const plenty = 100_000;
const scarce = 100;
const callers = 3;
const longestCalmMs = 600;
const victims = ["node", "workerd", "both"] as const;

/** One storm, looked at from each guarantee: starting the platform is what takes time. */
describe("after SIGKILL of Node, of workerd and of both, at random moments under load,", () => {
  const random = new Random();
  const folder = scratchFolder();
  let served: Served;
  let plentyTallies: Map<string, Tally>;
  let scarceTallies: Map<string, Tally>;
  let answers: Map<string, CheckResponse>;
  let written: Map<string, Written>;

  beforeAll(async () => {
    console.log(`FAULT_SEED=${random.seed}`);
    served = await Served.ready(folder.path);
    for (const [name, limit] of Object.entries({ plenty, scarce, once: plenty })) {
      const policy = { algorithm: "gcra", limit, windowMs, failMode: "closed" };
      expect((await served.admin.put(`/v1/limits/${name}`, policy)).status).toBe(201);
    }
    const load = new Load(() => served.admin);
    plentyTallies = load.check("plenty", ["a", "b", "c"]);
    scarceTallies = load.check("scarce", ["a", "b"]);
    answers = load.checkIdempotently("once", "k", callers);
    written = load.write("written-", 20, windowMs);

    for (const victim of [...victims, random.pick(victims)]) {
      await sleep(random.between(1, longestCalmMs));
      await served.kill(victim);
      if (victim === "workerd") await served.recovered();
      else served = await Served.ready(folder.path);
    }
    await sleep(random.between(1, longestCalmMs));
    await until(
      () => [...scarceTallies.values()].every(({ refused }) => refused > 0),
      () => `the bound is not reached: ${JSON.stringify([...scarceTallies])}`,
    );
    await load.stop();
  }, 180_000);

  afterAll(async () => {
    await served?.end();
    folder.remove();
  });

  /** What a failure needs to be seen again. */
  const why = (what: string) => `${what}; FAULT_SEED=${random.seed}`;

  const spent = async (limit: string, key: string): Promise<number> => {
    const { body } = await served.admin.get<KeyState>(`/v1/limits/${limit}/keys/${key}`);
    return (body.limitValue ?? Number.NaN) - (body.remaining ?? Number.NaN);
  };

  test("OP-1 RL-11 every admission that was answered is counted", async () => {
    for (const [key, { admitted, unknown }] of plentyTallies) {
      const charged = await spent("plenty", key);
      expect(admitted).toBeGreaterThan(0);
      expect(charged, why(`${key}: an admission was lost`)).toBeGreaterThanOrEqual(admitted);
      expect(charged, why(`${key}: more was charged than was sent`)).toBeLessThanOrEqual(admitted + unknown);
    }
  });

  test("RL-12 no more was admitted than the bound", () => {
    for (const [key, { admitted, unknown }] of scarceTallies) {
      expect(admitted, why(`${key}: over the bound`)).toBeLessThanOrEqual(scarce);
      expect(admitted + unknown, why(`${key}: refused below the bound`)).toBeGreaterThanOrEqual(scarce);
    }
  });

  test("ID-3 each check with an Idempotency-Key was charged once and is answered the same again", async () => {
    expect(answers.size).toBeGreaterThan(callers);
    expect(await spent("once", "k"), why("charged twice or not at all")).toBe(answers.size);
    for (const [id, answer] of [...answers].slice(0, callers).concat([...answers].slice(-20))) {
      const repeated = await checkIdempotently(served.admin, "once", "k", id);
      expect(repeated.headers.get("idempotency-replayed")).toBe("true");
      expect(repeated.body, why(id)).toEqual(answer);
    }
    expect(await spent("once", "k")).toBe(answers.size);
  });

  test("CP-1 what was written and answered is there, each write with its audit row and no row without its write", async () => {
    const audit = await wholeAudit(served);
    expect(written.size).toBeGreaterThan(0);
    for (const [name, { version, limit }] of written) {
      const { body } = await served.admin.get<Written>(`/v1/limits/${name}`);
      // A write whose answer was lost may have come after the last one that was answered.
      expect(body.version, why(`${name}: a write was lost`)).toBeGreaterThanOrEqual(version);
      const rows = audit.filter((row) => row.kind === "limits" && row.name === name);
      const row = rows.find(({ seq }) => seq === version);
      expect(row?.after, why(`${name}: a write without its audit row`)).toMatchObject({ limit });
      const newest = rows.reduce((last, next) => (next.seq > last.seq ? next : last));
      expect(newest.seq, why(`${name}: an audit row without its write`)).toBe(body.version);
      expect(newest.after).toMatchObject({ limit: body.limit });
    }
  });
});

async function wholeAudit(served: Served): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let next: string | undefined = "/v1/audit?limit=100";
  while (next !== undefined) {
    const { body }: { body: { entries: AuditEntry[]; cursor?: string } } = await served.admin.get(next);
    entries.push(...body.entries);
    next = body.cursor === undefined ? undefined : `/v1/audit?limit=100&cursor=${encodeURIComponent(body.cursor)}`;
  }
  return entries;
}
