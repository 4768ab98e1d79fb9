/** RFC 3339 times as 4.2 writes them: UTC, `Z`, no trailing zeros in the fraction, nanoseconds kept. */
import { badParameter } from "../errors/error.js";
import { ZERO_TIME } from "./envelope.js";

const PATTERN = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** The text form of a moment, to the millisecond. */
export function formatTime(moment: Date): string {
  return canonicalTime(moment.toISOString());
}

/** Rewrites a time into its canonical form, without loss of nanoseconds. Throws `bad_parameter`. */
export function canonicalTime(text: string): string {
  const match = PATTERN.exec(text);
  const wholeSeconds = new Date(`${match?.[1]}T${match?.[2]}${match?.[4]?.toUpperCase()}`);
  if (match === null || Number.isNaN(wholeSeconds.getTime())) {
    throw badParameter(`${JSON.stringify(text)} is not an RFC 3339 time such as 2026-01-31T12:00:00Z`);
  }
  const fraction = (match[3] ?? "").replace(/\.?0+$/, "");
  return `${wholeSeconds.toISOString().slice(0, 19)}${fraction}Z`;
}

/** The moment of a text, rounded down to the millisecond. Throws `bad_parameter`. */
export function parseTime(text: string): Date {
  return new Date(canonicalTime(text).replace(/(\.\d{3})\d+Z$/, "$1Z"));
}

/** The moment of an optional time, undefined where it is absent or 4.2's zero time. */
export function optionalTime(text: string | undefined): Date | undefined {
  return text === undefined || text === "" || canonicalTime(text) === ZERO_TIME ? undefined : parseTime(text);
}
