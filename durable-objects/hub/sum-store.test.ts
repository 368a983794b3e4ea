import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import type { Clock } from "../../core/config/refresher.ts";
import type { MetricFamily } from "../../core/metrics/family.ts";
import { durationBoundariesS, maxRootSeries } from "../../core/metrics/metrics.ts";
import type { Parcel } from "../../core/metrics/parcel.ts";
import { freshPlatform } from "../../database/testing/bindings.ts";
import { SumStore, saveIntervalMs } from "./sum-store.ts";
import { counted, root } from "./testing/pulses.ts";

/** A clock that the test moves. */
class HeldClock implements Clock {
  #nowMs = 1_800_000_000_000;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** An eviction takes its object's timers with it. */
  evict(): void {
    this.#timers = [];
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { callback } of due) callback();
  }
}

function parcel(sender: string, seq: number, increment: number): Parcel {
  return { sender, seq, families: [family([{ labels: ["allowed"], value: increment }])] };
}

function family(series: readonly { labels: readonly string[] | null; value: number }[]): MetricFamily {
  return { kind: "counter", name: "checks", unit: "", help: "", labelNames: ["outcome"], series };
}

const sumOf = (families: readonly MetricFamily[]) => counted(families, "checks", ["allowed"]);

/** Runs `use` with the storage of an object, in which nothing else keeps sums meanwhile. */
function withStorage(use: (storage: DurableObjectStorage) => void): Promise<void> {
  return runInDurableObject(root(), (_, { storage }) => use(storage));
}

beforeEach(freshPlatform);

describe("CP-10 the sums of the root", () => {
  test("that were told are never less after an eviction, whatever is told, lost and repeated", async () => {
    await withStorage((storage) => {
      const clock = new HeldClock();
      let sums = new SumStore(storage, clock);
      let told = 0;
      for (let seq = 1; seq <= 60; seq++) {
        sums.accept(parcel("a", seq, seq));
        clock.pass(700);
        // Another rhythm each, so that every order occurs.
        if (seq % 3 === 0) told = sumOf(sums.expose());
        if (seq % 5 === 0) {
          clock.evict();
          sums = new SumStore(storage, clock);
          expect(sumOf(sums.expose())).toBeGreaterThanOrEqual(told);
          sums.accept(parcel("a", seq, seq));
        }
      }
      expect(told).toBeGreaterThan(0);
    });
  });

  test("survive but for what came in the last 10 s, while parcels arrive and when they no longer do", async () => {
    await withStorage((storage) => {
      const clock = new HeldClock();
      const sums = new SumStore(storage, clock);
      sums.accept(parcel("a", 1, 1));
      for (let seq = 2; seq <= 100; seq++) {
        clock.pass(400);
        sums.accept(parcel("a", seq, 1));
        const kept = sumOf(new SumStore(storage, clock).expose());
        expect(seq - kept).toBeLessThanOrEqual(saveIntervalMs / 400);
      }
      clock.pass(saveIntervalMs);
      expect(sumOf(new SumStore(storage, clock).expose())).toBe(100);
    });
  });

  test("are written at most once in 10 s, and for an answer that says something new", async () => {
    await withStorage((storage) => {
      const clock = new HeldClock();
      const sums = new SumStore(storage, clock);
      const written = rowsWritten(storage);
      for (let seq = 1; seq <= 150; seq++) {
        sums.accept(parcel("a", seq, 1));
        clock.pass(400);
      }
      expect(written()).toBeLessThanOrEqual(7);
      const before = written();
      for (let scrape = 0; scrape < 5; scrape++) sums.expose();
      expect(written() - before).toBeLessThanOrEqual(1);
    });
  });

  test("come back as they were: histograms, overflow, fractions and any text, over several rows", async () => {
    await withStorage((storage) => {
      const clock = new HeldClock();
      const sums = new SumStore(storage, clock);
      const counts = durationBoundariesS.map((_, bucket) => bucket + 0.5);
      const series = Array.from({ length: 12_000 }, (_, i) => ({
        labels: [`é💥"${i}`],
        counts: [...counts, 7],
        sum: i / 3,
      }));
      const histogram = {
        name: "h",
        unit: "s",
        help: "H.",
        labelNames: ["l"],
        boundaries: durationBoundariesS,
        series,
      };
      const families: MetricFamily[] = [
        { kind: "histogram", ...histogram },
        family([
          { labels: ["allowed"], value: 0.1 },
          { labels: null, value: 9 },
        ]),
      ];
      sums.accept({ sender: "a", seq: 1, families });
      const told = sums.expose();
      expect(Number(storage.sql.exec("SELECT count(*) AS n FROM sums").one().n)).toBeGreaterThan(1);
      expect(new SumStore(storage, clock).expose()).toEqual(told);
    });
  });

  test("start again from zero, all together, when no series was left: new tenants get theirs", async () => {
    await withStorage((storage) => {
      const clock = new HeldClock();
      const labels = Array.from({ length: maxRootSeries }, (_, i) => ({ labels: [`o${i}`.padEnd(60)], value: 5 }));
      const sums = new SumStore(storage, clock);
      sums.accept({ sender: "a", seq: 1, families: [family(labels)] });
      sums.expose();
      expect(Number(storage.sql.exec("SELECT count(*) AS n FROM sums").one().n)).toBe(2);
      const next = new SumStore(storage, clock);
      expect(next.expose()).toEqual([]);
      next.accept({ sender: "a", seq: 1, families: [family(labels)] });
      next.accept(parcel("a", 2, 3));
      expect(sumOf(next.expose())).toBe(3);
      expect(Number(storage.sql.exec("SELECT count(*) AS n FROM sums").one().n)).toBe(1);
    });
  });
});

test("CP-10 sums in a form that is not known are not taken, and counting goes on", async () => {
  await withStorage((storage) => {
    new SumStore(storage, new HeldClock()).accept(parcel("a", 1, 1));
    storage.sql.exec("UPDATE sums SET body = CAST(? AS BLOB)", '{"form":99,"else":true}');
  });
  await evictDurableObject(root());
  await withStorage((storage) => {
    const sums = new SumStore(storage, new HeldClock());
    sums.accept(parcel("a", 1, 2));
    expect(sumOf(sums.expose())).toBe(2);
  });
});

/** How often the sums were written, since this call. */
function rowsWritten(storage: DurableObjectStorage): () => number {
  const { sql } = storage;
  sql.exec(
    "CREATE TABLE writes (at INTEGER); CREATE TRIGGER count_writes AFTER INSERT ON sums BEGIN INSERT INTO writes VALUES (1); END",
  );
  return () => Number(sql.exec("SELECT count(*) AS n FROM writes").one().n);
}
