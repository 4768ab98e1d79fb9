import { create } from "@bufbuild/protobuf";
import { TimestampSchema, type Timestamp } from "@bufbuild/protobuf/wkt";
import { badParameter } from "../../../errors/error.js";
import { formatDuration, parseDuration } from "../../../grammar/duration.js";

/** What 4.2 has for "no time". */
const ZERO_TIME = "0001-01-01T00:00:00Z";
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/**
 * RFC 3339 text as a protobuf timestamp, to the nanosecond. Absent text is the zero time of 4.2, which must be sent
 * in full: peers read an empty timestamp as 1970, that is, as expired. Throws `bad_parameter`.
 */
export function toTimestamp(text: string | undefined): Timestamp {
  const value = text === undefined || text === "" ? ZERO_TIME : text;
  const match = RFC3339.exec(value);
  const ms = match ? Date.parse(match[1]! + match[3]!) : NaN;
  if (!match || Number.isNaN(ms)) throw badParameter(`invalid time '${value}', expected RFC 3339`);
  const nanos = Number((match[2] ?? "").padEnd(9, "0"));
  return create(TimestampSchema, { seconds: BigInt(ms / 1000), nanos });
}

/** The RFC 3339 text of a timestamp; an absent one is the zero time. Throws `bad_parameter` outside years 1 to 9999. */
export function fromTimestamp(timestamp: Timestamp | undefined): string {
  if (timestamp === undefined) return ZERO_TIME;
  const date = new Date(Number(timestamp.seconds) * 1000);
  const { nanos } = timestamp;
  if (
    Number.isNaN(date.getTime()) ||
    nanos < 0 ||
    nanos > 999_999_999 ||
    !/^\d{4}-/.test(date.toISOString())
  ) {
    throw badParameter("timestamp is out of range");
  }
  const fraction = nanos === 0 ? "" : "." + String(nanos).padStart(9, "0").replace(/0+$/, "");
  return date.toISOString().slice(0, 19) + fraction + "Z";
}

/** A date as a timestamp. */
export function dateToTimestamp(date: Date | undefined): Timestamp {
  return toTimestamp(date?.toISOString());
}

/** The date of a timestamp; undefined for an absent one and for the zero time. */
export function timestampToDate(timestamp: Timestamp | undefined): Date | undefined {
  const text = fromTimestamp(timestamp);
  return text === ZERO_TIME ? undefined : new Date(text);
}

/** Go duration text as nanoseconds; absent is 0. Throws `bad_parameter`. */
export function toNanoseconds(duration: string | undefined): bigint {
  if (duration === undefined || duration === "") return 0n;
  return BigInt(Math.round(parseDuration(duration) * 1e6));
}

/** Nanoseconds as Go duration text. */
export function fromNanoseconds(nanoseconds: bigint): string {
  return formatDuration(Number(nanoseconds) / 1e6);
}
