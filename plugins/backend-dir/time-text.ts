/**
 * Times as 4.2 stores them in SQLite: text such as `2026-11-22 11:12:35.731+00:00`, UTC, trailing zeros of the
 * fraction trimmed. 4.2 compares these as strings, so every writer must use exactly this form.
 */

/** Writes unix milliseconds; the year must have four digits. */
export function timeText(ms: number): string {
  const [date, time] = new Date(ms).toISOString().slice(0, -1).split("T");
  return `${date} ${time?.replace(/\.?0+$/, "")}+00:00`;
}

/** Reads what {@link timeText} or 4.2 (nanoseconds) wrote, as unix milliseconds; NaN where it is no such text. */
export function parseTimeText(text: string): number {
  const parts = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00:00)?$/.exec(text);
  return parts ? Date.parse(`${parts[1]}T${parts[2]}.${(parts[3] ?? "").padEnd(3, "0").slice(0, 3)}Z`) : NaN;
}
