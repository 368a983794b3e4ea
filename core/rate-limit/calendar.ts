import { Temporal } from "temporal-polyfill";

export interface Calendar {
  readonly unit: "minute" | "hour" | "day" | "week" | "month" | "year";
  /** An IANA time zone that the runtime knows. */
  readonly timeZone: string;
}

export interface CalendarWindow {
  readonly startMs: number;
  /** The start of the next window: every moment lies in exactly one. */
  readonly endMs: number;
}

const clockUnitMs = { minute: 60_000, hour: 3_600_000 } as const;

/**
 * The window of the calendar that contains `nowMs` (milliseconds since the epoch).
 *
 * Minutes and hours begin whenever the wall clock strikes them: an hour that repeats in autumn is two windows, and where
 * a change shifts the clock by half an hour the window is as long as the clock takes to the next stroke. Days, weeks
 * (from Monday, ISO 8601), months and years begin with the first moment of their first date, midnight or not; a date
 * that the clock falls back into belongs to the window that has already begun, and one that was skipped has no window.
 *
 * @throws RangeError when the runtime does not know the time zone
 */
export function calendarWindow(calendar: Calendar, nowMs: number): CalendarWindow {
  const now = momentAt(nowMs, calendar.timeZone);
  return calendar.unit === "minute" || calendar.unit === "hour"
    ? clockWindow(now, clockUnitMs[calendar.unit])
    : dateWindow(now, calendar.unit);
}

function clockWindow(now: Temporal.ZonedDateTime, unitMs: number): CalendarWindow {
  const nowMs = now.epochMilliseconds;
  const nowOffsetMs = offsetMs(now);
  const startMs = nowMs - modulo(nowMs + nowOffsetMs, unitMs);
  const endMs = startMs + unitMs;
  // A time zone's changes are costly to find, so they are looked up only in an hour that has one.
  return {
    startMs: offsetMs(momentAt(startMs, now.timeZoneId)) === nowOffsetMs ? startMs : lastStrikeMs(now, unitMs),
    endMs: offsetMs(momentAt(endMs, now.timeZoneId)) === nowOffsetMs ? endMs : nextStrikeMs(now, endMs, unitMs),
  };
}

/** The last stroke before the clock was last changed. */
function lastStrikeMs(now: Temporal.ZonedDateTime, unitMs: number): number {
  const changed = now.add({ milliseconds: 1 }).getTimeZoneTransition("previous") ?? now;
  const before = changed.subtract({ milliseconds: 1 });
  return before.epochMilliseconds - modulo(before.epochMilliseconds + offsetMs(before), unitMs);
}

/** The first stroke when the clock is next changed, or after that. `expectedMs` when it is not. */
function nextStrikeMs(now: Temporal.ZonedDateTime, expectedMs: number, unitMs: number): number {
  const changed = now.getTimeZoneTransition("next");
  if (changed === null) return expectedMs;
  return changed.epochMilliseconds + modulo(-(changed.epochMilliseconds + offsetMs(changed)), unitMs);
}

function dateWindow(now: Temporal.ZonedDateTime, unit: "day" | "week" | "month" | "year"): CalendarWindow {
  const first = firstDate(now.toPlainDate(), unit);
  const step = { [`${unit}s`]: 1 };
  let startMs = firstMomentMs(first, now.timeZoneId);
  let next = first.add(step);
  let endMs = firstMomentMs(next, now.timeZoneId);
  // Where the clock falls back over midnight, the date of `now` is one whose successor has already begun.
  while (endMs <= now.epochMilliseconds) {
    startMs = endMs;
    next = next.add(step);
    endMs = firstMomentMs(next, now.timeZoneId);
  }
  return { startMs, endMs };
}

function firstDate(date: Temporal.PlainDate, unit: "day" | "week" | "month" | "year"): Temporal.PlainDate {
  switch (unit) {
    case "day":
      return date;
    case "week":
      return date.subtract({ days: date.dayOfWeek - 1 });
    case "month":
      return date.with({ day: 1 });
    case "year":
      return date.with({ month: 1, day: 1 });
  }
}

function firstMomentMs(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds;
}

function momentAt(ms: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
}

function offsetMs(moment: Temporal.ZonedDateTime): number {
  return moment.offsetNanoseconds / 1_000_000;
}

/** The remainder that is never negative. */
function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
