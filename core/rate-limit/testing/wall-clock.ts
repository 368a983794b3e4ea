import type { Calendar } from "../calendar.ts";

export interface WallClock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Of local time to UTC, in milliseconds. */
  readonly offsetMs: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a wall clock shows, read from Intl alone: nothing of the calendar under test is in it. */
export function readWallClock(timeZone: string, atMs: number): WallClock {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-u-ca-iso8601-hc-h23", {
      timeZone,
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timeZone, format);
  }
  const shown: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(atMs)) shown[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = shown;
  const wholeSecondMs = atMs - (((atMs % 1000) + 1000) % 1000);
  const offsetMs = Date.UTC(year, month - 1, day, hour, minute, second) - wholeSecondMs;
  return { year, month, day, hour, minute, second, offsetMs };
}

/** A name for the calendar window: the same for all moments of one window, where no date comes twice. */
export function wallClockLabel(calendar: Calendar, atMs: number): string {
  const { year, month, day, hour, minute, offsetMs } = readWallClock(calendar.timeZone, atMs);
  switch (calendar.unit) {
    case "minute":
      return `${year}-${month}-${day} ${hour}:${minute} ${offsetMs}`;
    case "hour":
      return `${year}-${month}-${day} ${hour} ${offsetMs}`;
    case "day":
      return `${year}-${month}-${day}`;
    case "week": {
      const daysSinceEpoch = Date.UTC(year, month - 1, day) / 86_400_000;
      // The epoch was a Thursday, three days after a Monday.
      return `week ${Math.floor((daysSinceEpoch + 3) / 7)}`;
    }
    case "month":
      return `${year}-${month}`;
    case "year":
      return `${year}`;
  }
}
