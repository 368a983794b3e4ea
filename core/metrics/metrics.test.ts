import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MetricFamily } from "./family.ts";
import { Metrics, maxIsolateSeries } from "./metrics.ts";
import { type Parcel, ParcelInbox, ParcelOutbox } from "./parcel.ts";

/** Value of the counter's series with these labels. */
function value(families: readonly MetricFamily[], name: string, labels: readonly string[] | null): number | undefined {
  const family = families.find((candidate) => candidate.name === name && candidate.kind === "counter");
  const series = family?.series.find((candidate) => JSON.stringify(candidate.labels) === JSON.stringify(labels));
  return series !== undefined && "value" in series ? series.value : undefined;
}

describe("instruments", () => {
  test("a counter sums by label values, and values that share separators stay apart", () => {
    const metrics = new Metrics();
    const checks = metrics.counter("checks", ["limit", "outcome"]);
    checks.add(1, "a,b", "c");
    checks.add(2, "a", "b,c");
    metrics.counter("checks", ["limit", "outcome"]).add(3, "a,b", "c");
    expect(value(metrics.sums(), "checks", ["a,b", "c"])).toBe(4);
    expect(value(metrics.sums(), "checks", ["a", "b,c"])).toBe(2);
  });

  test("a histogram counts a value in the bucket whose upper bound it does not pass", () => {
    const metrics = new Metrics();
    const sizes = metrics.histogram("sizes", [], [1, 10]);
    for (const size of [0, 1, 1.5, 10, 11, Number.NaN]) sizes.record(size);
    expect(metrics.sums()[0]?.series).toEqual([{ labels: [], counts: [2, 2, 1], sum: 23.5 }]);
  });

  test("drained increments are gone, and a drain without any is empty", () => {
    const metrics = new Metrics();
    const counter = metrics.counter("c");
    counter.add(2);
    expect(value(metrics.drain(), "c", [])).toBe(2);
    expect(metrics.drain()).toEqual([]);
    counter.add(1);
    expect(value(metrics.drain(), "c", [])).toBe(1);
  });

  test("CP-11 beyond 2,000 series everything is counted in one overflow series and nothing more is remembered", () => {
    const metrics = new Metrics();
    const counter = metrics.counter("c", ["a", "b"]);
    for (let i = 0; i < maxIsolateSeries + 500; i++) counter.add(1, `a${i}`, `b${i}`);
    counter.add(5, "a7", "b7");
    const family = metrics.sums()[0];
    expect(family?.series.length).toBe(maxIsolateSeries + 1);
    expect(value(metrics.sums(), "c", null)).toBe(500);
    expect(value(metrics.sums(), "c", ["a7", "b7"])).toBe(6);
  });

  test("CP-11 the bound is of all families together", () => {
    const metrics = new Metrics(2);
    metrics.counter("a", ["x"]).add(1, "1");
    metrics.counter("b", ["x"]).add(1, "1");
    metrics.counter("b", ["x"]).add(1, "2");
    expect(value(metrics.sums(), "b", null)).toBe(1);
  });

  test("two shapes of one name do not mix", () => {
    const metrics = new Metrics();
    const other = new Metrics();
    metrics.counter("c", ["x"]).add(1, "1");
    other.counter("c", ["x", "y"]).add(2, "1", "2");
    metrics.merge(other.drain());
    expect(metrics.sums().map((family) => family.series)).toEqual([
      [{ labels: ["1"], value: 1 }],
      [{ labels: ["1", "2"], value: 2 }],
    ]);
  });
});

describe("parcels", () => {
  test("CP-10 whatever is lost, repeated or late on the way, every increment is counted once", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("count" as const), sender: fc.nat(2), by: fc.integer({ min: 1, max: 9 }) }),
      // `heard`: whether the acknowledgement arrives; the parcel itself arrives when `arrives` is set.
      fc.record({ do: fc.constant("send" as const), sender: fc.nat(2), arrives: fc.boolean(), heard: fc.boolean() }),
      // A copy of an old parcel that the network kept.
      fc.record({ do: fc.constant("repeat" as const), index: fc.nat(50) }),
      // An acknowledgement that comes late, perhaps after its parcel was sent again and acknowledged.
      fc.record({ do: fc.constant("hear" as const), index: fc.nat(50) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const senders = [0, 1, 2].map((id) => {
          const metrics = new Metrics();
          return { counter: metrics.counter("c", ["by"]), outbox: new ParcelOutbox(`s${id}`, metrics) };
        });
        const hub = new Metrics();
        const inbox = new ParcelInbox(hub, 100);
        const sent: Parcel[] = [];
        const counted = [0, 0, 0];
        for (const move of steps) {
          if (move.do === "repeat") {
            const parcel = sent[move.index];
            if (parcel !== undefined) inbox.accept(parcel);
            continue;
          }
          if (move.do === "hear") {
            const parcel = sent[move.index];
            if (parcel !== undefined) senders[Number(parcel.sender.slice(1))]?.outbox.acknowledge(parcel);
            continue;
          }
          const sender = senders[move.sender];
          if (sender === undefined) continue;
          if (move.do === "count") {
            sender.counter.add(move.by, `s${move.sender}`);
            counted[move.sender] = (counted[move.sender] ?? 0) + move.by;
            continue;
          }
          const parcel = sender.outbox.next();
          if (parcel === null || !move.arrives) continue;
          inbox.accept(parcel);
          sent.push(parcel);
          if (move.heard) sender.outbox.acknowledge(parcel);
        }
        // The end: each sender delivers what it still has.
        for (const [id, { outbox }] of senders.entries()) {
          for (let parcel = outbox.next(); parcel !== null; parcel = outbox.next()) {
            inbox.accept(parcel);
            outbox.acknowledge(parcel);
          }
          expect(value(hub.sums(), "c", [`s${id}`]) ?? 0).toBe(counted[id]);
        }
      }),
      { verbose: 1 },
    );
  });

  test("CP-11 the receiver remembers a bounded number of senders, those heard last", () => {
    const hub = new Metrics();
    const inbox = new ParcelInbox(hub, 4);
    const counted = (sender: string) => {
      const metrics = new Metrics();
      metrics.counter("c").add(1);
      inbox.accept({ sender, seq: 1, families: metrics.drain() });
      return value(hub.sums(), "c", []);
    };
    expect(["a", "b", "a", "b", "c", "d", "e", "e", "d"].map(counted)).toEqual([1, 2, 2, 2, 3, 4, 5, 5, 5]);
    // a was silent for longest, so it alone is counted anew.
    expect(counted("a")).toBe(6);
  });
});
