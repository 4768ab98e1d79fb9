/** Names of the daily files. A day is one of UTC. */

const NAME = /^(\d{4}-\d\d-\d\d)\.00:00:00\.log$/;

/** A day, `YYYY-MM-DD`; days compare as strings. */
export type Day = string;

const DAY_MS = 24 * 3600 * 1000;

/** The day of a time. */
export function dayOf(time: Date): Day {
  return time.toISOString().slice(0, 10);
}

/** The day this many days later, or earlier. */
export function addDays(day: Day, count: number): Day {
  return dayOf(new Date(Date.parse(day) + count * DAY_MS));
}

/** The name of a day's file. */
export function dayFileName(day: Day): string {
  return `${day}.00:00:00.log`;
}

/** The day whose file has this name; undefined for any other name. */
export function dayOfFile(name: string): Day | undefined {
  return NAME.exec(name)?.[1];
}

/**
 * The day whose file takes an event: that of arrival, as with 4.2. One that is more than a day off (it waited on a
 * host that was cut off) goes to its own day, so that a search need look no further than the neighbouring files.
 */
export function fileDay(eventTime: Date, now: Date): Day {
  const offMs = Math.abs(eventTime.getTime() - now.getTime());
  return offMs <= DAY_MS ? dayOf(now) : dayOf(eventTime);
}
