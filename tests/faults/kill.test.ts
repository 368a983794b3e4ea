import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AuditEntry } from "../../contracts/control-plane.ts";
import type { CheckResponse, KeyState } from "../../contracts/limits.ts";
import { Load } from "./load.ts";
import { Random } from "./random.ts";
import { Served, scratchFolder, type Victim } from "./served.ts";

/** No token comes back while a test runs: 400 days. */
const windowMs = 400 * 24 * 60 * 60 * 1000;
const victims = ["node", "workerd", "both"] as const;

let folder: ReturnType<typeof scratchFolder>;
let served: Served;

beforeEach(async () => {
  folder = scratchFolder();
  served = await Served.ready(folder.path);
});

afterEach(async () => {
  await served.end();
  folder.remove();
});

/** Kills, starts again where that is due, and returns when the platform answers. */
async function killAndRecover(victim: Victim): Promise<void> {
  await served.kill(victim);
  if (victim === "workerd") await served.recovered();
  else served = await Served.ready(folder.path);
}

async function putLimit(name: string, limit: number): Promise<void> {
  const policy = { algorithm: "gcra", limit, windowMs, failMode: "closed" };
  expect((await served.admin.put(`/v1/limits/${name}`, policy)).status).toBe(201);
}

async function spent(limit: string, key: string): Promise<number> {
  const { body } = await served.admin.get<KeyState>(`/v1/limits/${limit}/keys/${key}`);
  return (body.limitValue ?? Number.NaN) - (body.remaining ?? Number.NaN);
}

test("OP-1 RL-11 RL-12 SIGKILL at random moments loses no admission and admits none beyond the bound", async () => {
  const random = new Random();
  console.log(`FAULT_SEED=${random.seed}`);
  const [plenty, scarce] = [100_000, 300];
  await putLimit("plenty", plenty);
  await putLimit("scarce", scarce);
  const loads = [
    new Load(() => served.admin, "plenty", ["a", "b", "c"]),
    new Load(() => served.admin, "scarce", ["a", "b"]),
  ];

  for (const victim of [...victims, random.pick(victims), random.pick(victims)]) {
    await sleep(random.between(50, 600));
    await killAndRecover(victim);
  }
  await sleep(random.between(50, 600));
  await Promise.all(loads.map((load) => load.stop()));

  const story = loads.map((load) => Object.fromEntries(load.tallies));
  for (const [key, { admitted, unknown }] of loads[0]?.tallies ?? []) {
    const charged = await spent("plenty", key);
    expect(admitted, `seed ${random.seed}: ${JSON.stringify(story)}`).toBeGreaterThan(0);
    expect(charged, `${key}: an admission was lost; seed ${random.seed}`).toBeGreaterThanOrEqual(admitted);
    expect(charged, `${key}: more was charged than was sent; seed ${random.seed}`).toBeLessThanOrEqual(
      admitted + unknown,
    );
  }
  for (const [key, { admitted, refused, unknown }] of loads[1]?.tallies ?? []) {
    expect(refused, `${key}: the bound was not reached; seed ${random.seed}`).toBeGreaterThan(0);
    expect(admitted, `${key}: over the bound; seed ${random.seed}`).toBeLessThanOrEqual(scarce);
    expect(admitted + unknown, `${key}: an admission nobody asked for; seed ${random.seed}`).toBeGreaterThanOrEqual(
      scarce,
    );
  }
});

test("ID-3 a check repeated with its Idempotency-Key after SIGKILL is charged once and answered the same", async () => {
  const random = new Random();
  console.log(`FAULT_SEED=${random.seed}`);
  await putLimit("once", 100_000);
  const check = (id: string) =>
    served.admin.post<CheckResponse>(
      "/v1/limits/check",
      { checks: [{ limit: "once", key: "k" }] },
      { headers: { "idempotency-key": id } },
    );
  const answers = new Map<string, CheckResponse>();
  let running = true;
  const callers = ["a", "b", "c", "d"].map(async (name) => {
    for (let n = 0; running; n++) {
      const id = `${name}-${n}`;
      while (!answers.has(id)) {
        const answer = await check(id).catch(() => undefined);
        if (answer?.status === 200) answers.set(id, answer.body);
        else await sleep(10);
      }
    }
  });

  for (const victim of victims) {
    await sleep(random.between(50, 600));
    await killAndRecover(victim);
  }
  running = false;
  await Promise.all(callers);

  expect(answers.size).toBeGreaterThan(0);
  expect(await spent("once", "k"), `seed ${random.seed}`).toBe(answers.size);
  for (const id of ["a-0", "b-0", ...[...answers.keys()].slice(-20)]) {
    const repeated = await check(id);
    expect(repeated.headers.get("idempotency-replayed")).toBe("true");
    expect(repeated.body, `seed ${random.seed}`).toEqual(answers.get(id));
  }
  expect(await spent("once", "k")).toBe(answers.size);
});

test("CP-1 what was written and answered is there after SIGKILL, each with its audit row and none without", async () => {
  const random = new Random();
  console.log(`FAULT_SEED=${random.seed}`);
  const written = new Map<string, { version: number; limit: number }>();
  let running = true;
  const writers = ["a", "b"].map(async (writer) => {
    for (let n = 1; running; n++) {
      const name = `${writer}-${n % 20}`;
      const answer = await served.admin
        .put<{ version: number }>(`/v1/limits/${name}`, { algorithm: "gcra", limit: n, windowMs })
        .catch(() => undefined);
      if (answer !== undefined && answer.status < 300) written.set(name, { version: answer.body.version, limit: n });
      else await sleep(10);
    }
  });

  for (const victim of victims) {
    await sleep(random.between(50, 600));
    await killAndRecover(victim);
  }
  running = false;
  await Promise.all(writers);

  const audit = await wholeAudit();
  expect(written.size).toBeGreaterThan(0);
  for (const [name, { version, limit }] of written) {
    const { body } = await served.admin.get<{ version: number; limit: number }>(`/v1/limits/${name}`);
    // A write whose answer was lost may have come after the last one that was answered.
    expect(body.version, `${name}, seed ${random.seed}`).toBeGreaterThanOrEqual(version);
    if (body.version === version) expect(body.limit).toBe(limit);
    const rows = audit.filter((row) => row.kind === "limits" && row.name === name);
    expect(
      rows.some((row) => row.seq === version),
      `${name}: no audit row, seed ${random.seed}`,
    ).toBe(true);
    const newest = rows.reduce((last, row) => (row.seq > last.seq ? row : last));
    expect(newest.seq, `${name}: an audit row without its resource, seed ${random.seed}`).toBe(body.version);
    expect(newest.after).toMatchObject({ limit: body.limit });
  }
});

async function wholeAudit(): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let cursor: string | undefined;
  do {
    const { body } = await served.admin.get<{ entries: AuditEntry[]; cursor?: string }>(
      `/v1/audit?limit=100${cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    entries.push(...body.entries);
    cursor = body.cursor;
  } while (cursor !== undefined);
  return entries;
}
