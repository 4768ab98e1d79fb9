import type { StoreSettings } from "./records.js";

/** Keys whose values must not be shown; those of files that hold secrets may. */
const SECRET = /(secret|password|passphrase|token|access_key|private)/;

/** Settings as they would stand in teleport.yaml, on one line, without what is secret. */
export function settingsText({ type, settings }: StoreSettings): string {
  const shown = Object.entries(settings).map(([key, value]) => {
    const hidden = SECRET.test(key) && !key.endsWith("_file");
    return `${key}: ${hidden ? "…" : JSON.stringify(value)}`;
  });
  return `{${[`type: ${type}`, ...shown].join(", ")}}`;
}
