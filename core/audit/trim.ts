import type { AuditEvent } from "../plugin/audit.js";

/** The most bytes that an event's JSON may have. 4.2's reader stops at lines of 64 KiB, so ours stay below. */
export const MAX_EVENT_BYTES = 60 * 1024;

/** The field that names what was trimmed. */
export const TRIMMED_FIELD = "trimmed_fields";

/** Fields that identify the event; they are bounded elsewhere and never trimmed. */
const KEPT: ReadonlySet<string> = new Set([
  "event",
  "code",
  "uid",
  "time",
  "sid",
  "server_id",
  "namespace",
  "ei",
]);
/** The least that is left of a trimmed field. */
const MIN_FIELD_BYTES = 64;
const MAX_NAMED_FIELDS = 32;

/**
 * Brings an oversized event below {@link MAX_EVENT_BYTES} by shortening its largest fields, and names them in
 * {@link TRIMMED_FIELD}. The event itself is never lost. Key order is kept.
 */
export function trimEvent(event: AuditEvent): AuditEvent {
  let excess = jsonBytes(event) - MAX_EVENT_BYTES;
  if (excess <= 0) return event;
  const fields: Record<string, unknown> = { ...event };
  const trimmed: string[] = [];
  const bySize = Object.keys(fields)
    .filter((field) => !KEPT.has(field))
    .map((field) => ({ field, bytes: jsonBytes(fields[field]) }))
    .sort((a, b) => b.bytes - a.bytes);
  for (const { field, bytes } of bySize) {
    if (excess <= 0) break;
    // Room for the marker is made together with the first field.
    const reserve = jsonBytes(field) + 1 + (trimmed.length === 0 ? TRIMMED_FIELD.length + 8 : 0);
    const budget = Math.max(MIN_FIELD_BYTES, bytes - excess - reserve);
    const shortened = shorten(fields[field], budget);
    if (shortened === undefined) delete fields[field];
    else fields[field] = shortened;
    if (trimmed.length < MAX_NAMED_FIELDS) trimmed.push(field);
    const named = { ...fields, [TRIMMED_FIELD]: trimmed };
    excess = jsonBytes(named) - MAX_EVENT_BYTES;
  }
  fields[TRIMMED_FIELD] = trimmed.sort();
  const entries = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries) as unknown as AuditEvent;
}

/** A shorter value of the same type, of at most `budget` bytes of JSON; undefined where there is none. */
function shorten(value: unknown, budget: number): unknown {
  if (typeof value === "string") return cut(value, budget);
  if (Array.isArray(value)) return takeWhileFits(value, budget);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(takeWhileFits(Object.entries(value), budget));
  }
  return undefined;
}

function takeWhileFits<T>(items: readonly T[], budget: number): T[] {
  let bytes = 2;
  const end = items.findIndex((item) => (bytes += jsonBytes(item) + 1) > budget);
  return items.slice(0, end < 0 ? items.length : end);
}

function cut(text: string, budget: number): string {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (jsonBytes(text.slice(0, middle)) <= budget) low = middle;
    else high = middle - 1;
  }
  // Half of a surrogate pair would not survive UTF-8.
  return text.slice(0, low).replace(/[\ud800-\udbff]$/, "");
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "");
