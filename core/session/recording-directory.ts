import { join } from "node:path";

/** Where recordings wait for their upload (features.md §9.4). */
export function recordingDirectory(dataDir: string): string {
  return join(dataDir, "log", "upload", "sessions", "default");
}
