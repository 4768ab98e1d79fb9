import type { StoreSettings } from "./records.js";

/** Keys whose values must not be shown; those of files that hold secrets may. */
const SECRET = /(secret|password|passphrase|token|access_key|private)/;
const HIDDEN = "…";

/** Settings as they would stand in teleport.yaml, on one line, without what is secret. */
export function settingsText({ type, settings }: StoreSettings): string {
  const shown = Object.entries(settings).map(([key, value]) => `${key}: ${shownValue(key, value)}`);
  return `{${[`type: ${type}`, ...shown].join(", ")}}`;
}

function shownValue(key: string, value: unknown): string {
  if (SECRET.test(key) && !key.endsWith("_file")) return HIDDEN;
  if (Array.isArray(value)) return `[${value.map((item) => shownValue("", item)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([name, inner]) => `${name}: ${shownValue(name, inner)}`);
    return `{${entries.join(", ")}}`;
  }
  const text = JSON.stringify(value);
  // User and password of a URL.
  return typeof value === "string" ? text.replace(/(:\/\/)[^/@\s]*@/, `$1${HIDDEN}@`) : text;
}
