import { describe, expect, test } from "vitest";
import { ok, type Result, refuse } from "../contracts/result.ts";
import type { ConfigEntry, PulseAnswer, PulseRequest } from "../contracts/rpc/hub.ts";
import { nowhere } from "../core/config/delta.ts";
import type { Clock } from "../core/config/refresher.ts";
import { Snapshot } from "../core/config/snapshot.ts";
import { Isolate } from "./isolate.ts";

/** A clock that stands still until it is moved, and then fires what is due. */
class HeldClock implements Clock {
  #nowMs = 1_800_000_000_000;
  #timers: { atMs: number; callback: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  get timers(): number {
    return this.#timers.length;
  }

  async pass(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { callback } of due) callback();
    await settle();
  }
}

/** Lets promises run that wait for nothing but each other. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

const limit = (name: string, version: number, count = 1): ConfigEntry => ({
  kind: "limits",
  tenantId: "t_a",
  name,
  version,
  body: { algorithm: "gcra", limit: count, windowMs: 1_000 },
});

/** A hub that answers when it is told to. */
class Hub {
  readonly snapshot = new Snapshot();
  readonly requests: PulseRequest[] = [];
  readonly names: string[] = [];
  confirmedAgeMs = 0;
  #answers: ((answer: Result<PulseAnswer> | Error) => void)[] = [];

  constructor() {
    const to = { epoch: 1, config: 1, switches: 0 };
    this.snapshot.apply({ full: true, from: nowhere, to, entries: [limit("api", 1)], keys: [] });
  }

  getByName(name: string) {
    return {
      pulse: (request: PulseRequest) => {
        this.names.push(name);
        this.requests.push(request);
        return new Promise<Result<PulseAnswer>>((resolve, reject) => {
          this.#answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
        });
      },
    };
  }

  /** The hub learns of changes up to `config`. */
  learn(config: number, entries: ConfigEntry[], keys: string[] = []): void {
    const from = this.snapshot.position;
    this.snapshot.apply({ full: false, from, to: { ...from, config }, entries, keys });
  }

  /** Answers the oldest pulse that waits. */
  async answer(answer?: Result<PulseAnswer> | Error): Promise<void> {
    const request = this.requests.at(-this.#answers.length);
    const delta = this.snapshot.since(request?.position ?? nowhere);
    this.#answers.shift()?.(answer ?? ok({ delta, ageMs: 0, confirmedAgeMs: this.confirmedAgeMs }));
    await settle();
  }
}

function platform() {
  const clock = new HeldClock();
  const hub = new Hub();
  const isolate = new Isolate({ LOCATION_HUB: hub }, clock);
  const kept: Promise<unknown>[] = [];
  const ready = () => isolate.ready((promise) => kept.push(promise), "CDG");
  /** As `ready`, with how the promise stands. */
  const begin = () => {
    const request: { state: "free" | "waiting" | boolean } = { state: "waiting" };
    const promise = ready();
    if (promise === undefined) request.state = "free";
    else promise.then((configured) => (request.state = configured));
    return request;
  };
  const warm = async () => {
    begin();
    await hub.answer();
  };
  return { clock, hub, isolate, kept, ready, begin, warm };
}

describe("a fresh isolate", () => {
  test("waits for its first snapshot, all its requests for one pulse", async () => {
    const { hub, isolate, begin } = platform();
    const requests = [begin(), begin(), begin()];
    expect(hub.requests).toHaveLength(1);
    expect(hub.names).toEqual(["CDG"]);
    await hub.answer();
    expect(requests.map(({ state }) => state)).toEqual([true, true, true]);
    expect(begin().state).toBe("free");
    expect(isolate.config.limit("t_a", "api")).toMatchObject({ version: 1, policy: { limit: 1 } });
    expect(isolate.config.version).toBe(1);
  });

  test("tells after 2 s that there is none", async () => {
    const { clock, begin } = platform();
    const request = begin();
    await clock.pass(1_999);
    expect(request.state).toBe("waiting");
    await clock.pass(1);
    expect(request.state).toBe(false);
  });

  test("tells at once when its hub has none either, and asks again 400 ms later", async () => {
    const { clock, hub, begin } = platform();
    const request = begin();
    await hub.answer(refuse("control_plane_unavailable", "none"));
    expect(request.state).toBe(false);
    const next = begin();
    await settle();
    expect(next.state).toBe(false);
    await clock.pass(400);
    const third = begin();
    await hub.answer();
    expect(third.state).toBe(true);
  });
});

describe("CP-2 under traffic", () => {
  test("an isolate pulses every 400 ms, and nobody waits for it", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    await warm();
    for (let i = 0; i < 10; i++) {
      await clock.pass(100);
      expect(begin().state).toBe("free");
      hub.learn(2 + i, [limit("api", 2 + i)]);
      await hub.answer();
    }
    expect(hub.requests).toHaveLength(3);
    expect(isolate.config.limit("t_a", "api")?.version).toBe(9);
  });

  test("after a rest the first requests wait for the refresh, at most 100 ms", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    await warm();
    await clock.pass(1_001);
    const request = begin();
    await clock.pass(60);
    const later = begin();
    hub.learn(2, [limit("api", 2)]);
    expect([request.state, later.state]).toEqual(["waiting", "waiting"]);
    await clock.pass(40);
    expect([request.state, later.state]).toEqual([true, true]);
    expect(isolate.config.limit("t_a", "api")?.version).toBe(1);
    await hub.answer();
    expect(isolate.config.limit("t_a", "api")?.version).toBe(2);
  });

  test("what the isolate wrote itself is there at once, and an older answer does not undo it", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    await warm();
    await clock.pass(400);
    begin();
    isolate.apply(limit("api", 5, 50));
    expect(isolate.config.limit("t_a", "api")).toMatchObject({ version: 5, policy: { limit: 50 } });
    hub.learn(3, [limit("api", 3)]);
    await hub.answer();
    expect(isolate.config.limit("t_a", "api")?.version).toBe(5);
    isolate.apply({ ...limit("api", 6), body: null });
    expect(isolate.config.limit("t_a", "api")).toBeUndefined();
    expect(isolate.config.limits("t_a").size).toBe(0);
  });
});

describe("CP-3 with the hub away", () => {
  test("the old snapshot serves: only the first request waits, 100 ms", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    await warm();
    await clock.pass(1_500);
    const first = begin();
    await hub.answer(new Error("away"));
    expect(first.state).toBe(true);
    for (let i = 0; i < 20; i++) {
      await clock.pass(100);
      expect(begin().state).toBe("free");
      await hub.answer(new Error("away"));
    }
    expect(hub.requests.length).toBe(1 + 1 + 5);
    expect(isolate.config.limit("t_a", "api")).toBeDefined();
    expect(isolate.config.ageMs(clock.nowMs())).toBe(3_500);
  });

  test("a hub that never answers is given up after 2 s, and its late answer is still taken", async () => {
    const { clock, hub, isolate, begin, warm, kept } = platform();
    await warm();
    await clock.pass(400);
    begin();
    await clock.pass(2_000);
    await Promise.all(kept);
    begin();
    expect(hub.requests).toHaveLength(3);
    hub.learn(2, [limit("api", 2)]);
    await hub.answer();
    expect(isolate.config.limit("t_a", "api")?.version).toBe(2);
  });

  test("AU-4 the age of the root's last reading goes on growing while hubs answer", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    await warm();
    hub.confirmedAgeMs = 59_000;
    await clock.pass(60_000);
    begin();
    await hub.answer();
    expect(isolate.config.ageMs(clock.nowMs())).toBe(0);
    expect(isolate.config.confirmedAgeMs(clock.nowMs())).toBe(59_000);
  });

  test("after a rest of more than a minute a request waits for a cold hub rather than refuse keys", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    await warm();
    await clock.pass(61_000);
    const request = begin();
    await clock.pass(1_000);
    expect(request.state).toBe("waiting");
    await hub.answer();
    expect(request.state).toBe(true);
    expect(isolate.config.confirmedAgeMs(clock.nowMs())).toBeLessThanOrEqual(1_000);
  });
});

describe("CP-10 metrics", () => {
  test("go up with the pulse, and again under the same number until they are acknowledged", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    await warm();
    const counter = isolate.metrics.counter("c");
    counter.add(1);
    await clock.pass(400);
    begin();
    counter.add(2);
    await hub.answer(new Error("lost"));
    await clock.pass(400);
    begin();
    await hub.answer();
    await clock.pass(400);
    begin();
    await hub.answer();
    const parcels = hub.requests.map(
      ({ metrics }) => metrics && [metrics.sender, metrics.seq, metrics.families[0]?.series],
    );
    expect(parcels).toEqual([
      null,
      [isolate.id, 1, [{ labels: [], value: 1 }]],
      [isolate.id, 1, [{ labels: [], value: 1 }]],
      [isolate.id, 2, [{ labels: [], value: 2 }]],
    ]);
  });

  test("a flush pulses at once and says so", async () => {
    const { hub, isolate, warm } = platform();
    await warm();
    isolate.metrics.counter("c").add(1);
    const flushed = isolate.flush("CDG");
    await settle();
    expect(hub.requests.at(-1)).toMatchObject({ flush: true, metrics: { seq: 1 } });
    await hub.answer();
    await flushed;
  });

  test("a flush during a pulse is one of its own, for what was counted after that began", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    await warm();
    await clock.pass(400);
    begin();
    isolate.metrics.counter("c").add(1);
    const flushed = isolate.flush("CDG");
    await hub.answer();
    expect(hub.requests).toHaveLength(3);
    expect(hub.requests.at(-1)).toMatchObject({ flush: true, metrics: { seq: 1 } });
    await hub.answer();
    await flushed;
  });
});

describe("API keys", () => {
  test("that changed are told to whoever keeps them, by id or all of them", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    const told: string[] = [];
    isolate.onKeyChange((id) => told.push(id));
    await warm();
    expect(told.splice(0)).toEqual(["all"]);
    hub.learn(3, [], ["k1", "k2"]);
    await clock.pass(400);
    begin();
    await hub.answer();
    expect(told).toEqual(["k1", "k2"]);
  });

  test("that were used are reported once, a bounded number of them", async () => {
    const { clock, hub, isolate, begin, warm } = platform();
    await warm();
    for (let i = 0; i < 3_000; i++) isolate.used(`k${i % 1_500}`);
    await clock.pass(400);
    begin();
    await hub.answer();
    await clock.pass(400);
    begin();
    await hub.answer();
    expect(hub.requests.map(({ usedKeys }) => usedKeys.length)).toEqual([0, 1_000, 0]);
  });
});

test("switches, tenants and issuers are found by name", async () => {
  const { clock, hub, isolate, warm } = platform();
  const nowMs = clock.nowMs();
  const platformEntry = { tenantId: "", version: 2 };
  hub.learn(2, [
    { ...platformEntry, kind: "tenants", name: "shop", body: { id: "t_a" } },
    { ...platformEntry, kind: "issuers", name: "main", body: { issuer: "https://id.example" } },
  ]);
  const on = { on: true, value: 3, untilMs: nowMs + 10, updatedAtMs: nowMs, updatedBy: "admin" };
  hub.snapshot.put({ kind: "switches", tenantId: "", name: "s", version: 1, body: on });
  await warm();
  const { config } = isolate;
  expect([config.tenantId("shop"), config.tenantName("t_a"), config.tenantId("t_a")]).toEqual([
    "t_a",
    "shop",
    undefined,
  ]);
  expect(config.issuers().get("main")?.issuer.issuer).toBe("https://id.example");
  expect(config.switchState("s", nowMs + 9)).toEqual({ on: true, value: 3 });
  expect(config.switchState("s", nowMs + 10)).toEqual({ on: false });
});

test("no timer is left behind by an answered pulse and its waiters", async () => {
  const { clock, hub, begin } = platform();
  begin();
  begin();
  await hub.answer();
  expect(clock.timers).toBe(0);
});
