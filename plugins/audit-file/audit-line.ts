import type { AuditEvent } from "@teleport/plugin";

/** An event as its line in the log, without the newline: keys in alphabetical order at every depth, as 4.2 writes them. */
export function auditLine(event: AuditEvent): string {
  return JSON.stringify(sortKeys(event));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}
