import fc from "fast-check";
import { expect, test } from "vitest";
import { type Calendar, calendarWindow } from "./calendar.ts";
import { readWallClock } from "./testing/wall-clock.ts";

const hourMs = 3_600_000;

function windowAt(unit: Calendar["unit"], timeZone: string, at: string): readonly [string, string, number] {
  const { startMs, endMs } = calendarWindow({ unit, timeZone }, Date.parse(at));
  return [new Date(startMs).toISOString(), new Date(endMs).toISOString(), (endMs - startMs) / hourMs];
}

test.each([
  // Daylight saving: 23 and 25 hours, and half an hour on Lord Howe.
  ["day", "Europe/Paris", "2024-03-31T12:00Z", "2024-03-30T23:00:00.000Z", "2024-03-31T22:00:00.000Z", 23],
  ["day", "Europe/Paris", "2024-10-27T12:00Z", "2024-10-26T22:00:00.000Z", "2024-10-27T23:00:00.000Z", 25],
  ["week", "Europe/Paris", "2024-03-31T12:00Z", "2024-03-24T23:00:00.000Z", "2024-03-31T22:00:00.000Z", 167],
  ["month", "Europe/Paris", "2024-10-01T00:00Z", "2024-09-30T22:00:00.000Z", "2024-10-31T23:00:00.000Z", 745],
  ["day", "America/St_Johns", "2024-03-10T12:00Z", "2024-03-10T03:30:00.000Z", "2024-03-11T02:30:00.000Z", 23],
  ["day", "America/St_Johns", "2024-11-03T12:00Z", "2024-11-03T02:30:00.000Z", "2024-11-04T03:30:00.000Z", 25],
  ["day", "Australia/Lord_Howe", "2024-04-06T18:00Z", "2024-04-06T13:00:00.000Z", "2024-04-07T13:30:00.000Z", 24.5],
  // Hours: the one that repeats is two windows, the one that is skipped none, and half a shift lasts until the stroke.
  ["hour", "Europe/Paris", "2024-10-27T00:30Z", "2024-10-27T00:00:00.000Z", "2024-10-27T01:00:00.000Z", 1],
  ["hour", "Europe/Paris", "2024-10-27T01:30Z", "2024-10-27T01:00:00.000Z", "2024-10-27T02:00:00.000Z", 1],
  ["hour", "Europe/Paris", "2024-03-31T00:59Z", "2024-03-31T00:00:00.000Z", "2024-03-31T01:00:00.000Z", 1],
  ["hour", "Europe/Paris", "2024-03-31T01:00Z", "2024-03-31T01:00:00.000Z", "2024-03-31T02:00:00.000Z", 1],
  ["hour", "Australia/Lord_Howe", "2024-04-06T14:45Z", "2024-04-06T14:00:00.000Z", "2024-04-06T15:30:00.000Z", 1.5],
  ["hour", "Australia/Lord_Howe", "2024-04-06T15:00Z", "2024-04-06T14:00:00.000Z", "2024-04-06T15:30:00.000Z", 1.5],
  ["hour", "Australia/Lord_Howe", "2024-10-05T15:30Z", "2024-10-05T14:30:00.000Z", "2024-10-05T16:00:00.000Z", 1.5],
  // Offsets that are no whole hours.
  ["hour", "Asia/Kathmandu", "2024-06-01T12:00Z", "2024-06-01T11:15:00.000Z", "2024-06-01T12:15:00.000Z", 1],
  ["day", "Asia/Kathmandu", "2024-06-01T18:14:59.999Z", "2024-05-31T18:15:00.000Z", "2024-06-01T18:15:00.000Z", 24],
  ["day", "Asia/Kathmandu", "2024-06-01T18:15Z", "2024-06-01T18:15:00.000Z", "2024-06-02T18:15:00.000Z", 24],
  // Apia crossed the date line: there was no 30 December 2011.
  ["day", "Pacific/Apia", "2011-12-30T09:59:59.999Z", "2011-12-29T10:00:00.000Z", "2011-12-30T10:00:00.000Z", 24],
  ["day", "Pacific/Apia", "2011-12-30T10:00Z", "2011-12-30T10:00:00.000Z", "2011-12-31T10:00:00.000Z", 24],
  ["week", "Pacific/Apia", "2011-12-30T10:00Z", "2011-12-26T10:00:00.000Z", "2012-01-01T10:00:00.000Z", 144],
  // Days that begin at one o'clock, and one whose first minute was followed by the last hour of the day before.
  ["day", "America/Sao_Paulo", "2018-11-04T03:00Z", "2018-11-04T03:00:00.000Z", "2018-11-05T02:00:00.000Z", 23],
  ["day", "America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07T02:30:00.000Z", "2010-11-08T03:30:00.000Z", 25],
  ["day", "America/St_Johns", "2010-11-07T02:45Z", "2010-11-07T02:30:00.000Z", "2010-11-08T03:30:00.000Z", 25],
  // Leap years, ends of months, weeks from Monday.
  ["month", "UTC", "2024-02-29T23:59:59.999Z", "2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z", 29 * 24],
  ["month", "UTC", "2023-02-28T23:59:59.999Z", "2023-02-01T00:00:00.000Z", "2023-03-01T00:00:00.000Z", 28 * 24],
  ["month", "UTC", "2100-02-10T00:00Z", "2100-02-01T00:00:00.000Z", "2100-03-01T00:00:00.000Z", 28 * 24],
  ["month", "UTC", "2024-01-31T00:00Z", "2024-01-01T00:00:00.000Z", "2024-02-01T00:00:00.000Z", 31 * 24],
  ["year", "UTC", "2024-12-31T23:59:59.999Z", "2024-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z", 366 * 24],
  ["year", "Asia/Kathmandu", "2024-12-31T18:15Z", "2024-12-31T18:15:00.000Z", "2025-12-31T18:15:00.000Z", 365 * 24],
  ["week", "UTC", "2024-12-29T23:59:59.999Z", "2024-12-23T00:00:00.000Z", "2024-12-30T00:00:00.000Z", 168],
  ["week", "UTC", "2024-12-30T00:00Z", "2024-12-30T00:00:00.000Z", "2025-01-06T00:00:00.000Z", 168],
  [
    "minute",
    "Asia/Kathmandu",
    "2024-12-30T00:00:59.999Z",
    "2024-12-30T00:00:00.000Z",
    "2024-12-30T00:01:00.000Z",
    1 / 60,
  ],
] as const)("RL-2 the %s of %s that contains %s", (unit, timeZone, at, start, end, hours) => {
  expect(windowAt(unit, timeZone, at)).toEqual([start, end, hours]);
});

const units = ["minute", "hour", "day", "week", "month", "year"] as const;
const timeZones = [
  "UTC",
  "Europe/Paris",
  "America/St_Johns",
  "Pacific/Apia",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
  "Africa/Casablanca",
  "America/Havana",
] as const;

/** Whether the wall clock of a moment is the first of its window, or one that a change skipped to. */
function beginsWindow(unit: Calendar["unit"], timeZone: string, atMs: number): boolean {
  const before = readWallClock(timeZone, atMs - 1);
  const shown = readWallClock(timeZone, atMs);
  if (unit === "minute") return shown.second === 0;
  if (unit === "hour") return shown.minute === 0 && shown.second === 0;
  const daysSinceEpoch = Date.UTC(shown.year, shown.month - 1, shown.day) / 86_400_000;
  const midnight = shown.hour === 0 && shown.minute === 0 && shown.second === 0;
  const skipped = shown.offsetMs > before.offsetMs;
  if (!midnight && !skipped) return false;
  if (unit === "day") return before.day !== shown.day;
  if (unit === "week") return (daysSinceEpoch + 3) % 7 === 0;
  return unit === "month" ? before.month !== shown.month : before.year !== shown.year;
}

test("RL-2 windows follow each other without gap or overlap, and each begins where the wall clock of Intl says", () => {
  // From 2000 on: before that, time zones had odd seconds that no calendar of today counts.
  const from = Date.UTC(2000, 0, 1);
  const property = fc.property(
    fc.constantFrom(...units),
    fc.constantFrom(...timeZones),
    fc.integer({ min: from, max: Date.UTC(2035, 0, 1) }),
    (unit, timeZone, nowMs) => {
      const calendar = { unit, timeZone };
      const { startMs, endMs } = calendarWindow(calendar, nowMs);
      expect(startMs).toBeLessThanOrEqual(nowMs);
      expect(endMs).toBeGreaterThan(nowMs);
      expect(calendarWindow(calendar, startMs)).toEqual({ startMs, endMs });
      expect(calendarWindow(calendar, endMs - 1)).toEqual({ startMs, endMs });
      expect(calendarWindow(calendar, startMs - 1).endMs).toBe(startMs);
      expect(calendarWindow(calendar, endMs).startMs).toBe(endMs);
      expect(beginsWindow(unit, timeZone, startMs)).toBe(true);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test("RL-2 around each change of the clock, too", () => {
  const changes = [
    ["Europe/Paris", "2024-03-31T01:00Z"],
    ["Europe/Paris", "2024-10-27T01:00Z"],
    ["America/St_Johns", "2010-11-07T02:31Z"],
    ["America/St_Johns", "2010-03-14T03:31Z"],
    ["Australia/Lord_Howe", "2024-04-06T15:00Z"],
    ["Australia/Lord_Howe", "2024-10-05T15:30Z"],
    ["America/Sao_Paulo", "2018-11-04T03:00Z"],
    ["America/Sao_Paulo", "2018-02-18T02:00Z"],
    ["America/Havana", "2024-11-03T05:00Z"],
    ["America/Havana", "2024-03-10T05:00Z"],
    ["Pacific/Apia", "2011-12-30T10:00Z"],
  ] as const;
  for (const [timeZone, at] of changes) {
    for (const unit of units) {
      const calendar = { unit, timeZone };
      let { startMs, endMs } = calendarWindow(calendar, Date.parse(at) - 3 * hourMs);
      for (let minute = -180; minute <= 180; minute += 1) {
        const nowMs = Date.parse(at) + minute * 60_000;
        if (nowMs >= endMs) {
          startMs = endMs;
          endMs = calendarWindow(calendar, nowMs).endMs;
        }
        expect(calendarWindow(calendar, nowMs), `${unit} ${timeZone} ${new Date(nowMs).toISOString()}`).toEqual({
          startMs,
          endMs,
        });
      }
    }
  }
});

test("a time zone that the runtime does not know is an error", () => {
  expect(() => calendarWindow({ unit: "day", timeZone: "Mars/Olympus" }, 0)).toThrow(RangeError);
});
