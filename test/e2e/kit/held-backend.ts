/** A third-party storage plugin around the embedded backend that stops at a write of a migration, where a test says. */
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { repoRoot } from "../../kit/paths.js";

/** The write that the plugin stops before. */
export interface HoldPoint {
  /** The key of the write, or how it begins. */
  readonly key: string;
  /** What its value holds. */
  readonly holds: string;
  /** Stop behind the write rather than before it. */
  readonly after?: boolean;
}

/** Writes the plugin `storage.held` into a folder, and returns its path. */
export function heldBackend(folder: string): string {
  const file = path.join(folder, "held-backend.mjs");
  const dir = pathToFileURL(path.join(repoRoot, "dist/bin/plugins/backend-dir.js")).href;
  writeFileSync(
    file,
    `import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { definePlugin } from "@teleport/plugin";
import dir from ${JSON.stringify(dir)};

const HOLD = ${JSON.stringify(holdFile(folder))};
const REACHED = ${JSON.stringify(reachedFile(folder))};

/** Whether the write is the one to stop at. */
const isHeld = ({ key, value }, after) => {
  if (!existsSync(HOLD)) return false;
  const point = JSON.parse(readFileSync(HOLD, "utf8"));
  return key.startsWith(point.key) && Buffer.from(value).includes(point.holds) && (point.after ?? false) === after;
};
const stop = () => {
  writeFileSync(REACHED, "");
  return new Promise(() => setInterval(() => undefined, 60_000));
};

export default definePlugin({
  id: "storage.held",
  kind: "storage",
  apiVersion: "^1.0.0",
  schema: dir.schema,
  create(settings, context) {
    const instance = dir.create(settings, context);
    const product = new Proxy(instance.product, {
      get(storage, name) {
        const member = storage[name];
        if (typeof member !== "function") return member;
        if (!["put", "create", "compareAndSwap"].includes(name)) return member.bind(storage);
        return async (item, ...rest) => {
          if (isHeld(item, false)) await stop();
          const revision = await member.call(storage, item, ...rest);
          if (isHeld(item, true)) await stop();
          return revision;
        };
      },
    });
    return { ...instance, product, start: () => instance.start(), close: () => instance.close() };
  },
});
`,
    { mode: 0o600 },
  );
  return file;
}

/** Has the plugin stop at a write from now on. */
export function hold(folder: string, point: HoldPoint): void {
  writeFileSync(holdFile(folder), JSON.stringify(point));
}

/** Resolves when the plugin has stopped. */
export async function held(folder: string, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!existsSync(reachedFile(folder))) {
    if (Date.now() > deadline) throw new Error("the write to stop at has not come");
    await pause(20);
  }
}

/** The files that {@link hold} and the plugin have made. */
export function holdFiles(folder: string): readonly string[] {
  return [holdFile(folder), reachedFile(folder)];
}

const holdFile = (folder: string): string => path.join(folder, "hold.json");
const reachedFile = (folder: string): string => path.join(folder, "reached");
