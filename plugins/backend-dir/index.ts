/** `storage.dir`: the embedded backend, an SQLite file in a directory. The default; 4.2 also calls it `sqlite`. */
import { join } from "node:path";
import { definePlugin } from "@teleport/plugin";
import { DirStorage } from "./dir-storage.js";
import { dirSettings } from "./settings.js";

export { openDirStorage, type DirStorageOptions } from "./dir-storage.js";

export default definePlugin({
  id: "storage.dir",
  kind: "storage",
  apiVersion: "^1.0.0",
  schema: dirSettings,
  create({ directory, ...settings }, { log, clock, dataDir }) {
    const storage = new DirStorage({
      ...settings,
      directory: directory ?? join(dataDir, "backend"),
      log,
      clock,
    });
    return { product: storage, start: () => storage.open(), close: () => storage.close() };
  },
});
