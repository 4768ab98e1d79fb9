/** teleport.yaml of a daemon with another storage. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse, stringify } from "yaml";
import type { Daemon } from "./daemon.js";

/** Writes the daemon's configuration with another `teleport.storage` to a file of its own, and returns its path. */
export function withStorage(
  { configFile, folder }: Pick<Daemon, "configFile" | "folder">,
  name: string,
  storage: Readonly<Record<string, unknown>>,
): string {
  const config = parse(readFileSync(configFile, "utf8")) as { teleport: Record<string, unknown> };
  const file = path.join(folder, `${name}.yaml`);
  writeFileSync(file, stringify({ ...config, teleport: { ...config.teleport, storage } }), { mode: 0o600 });
  return file;
}
