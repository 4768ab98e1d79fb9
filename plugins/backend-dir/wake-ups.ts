import { watch } from "node:fs";
import { basename, dirname } from "node:path";
import { errorMessage, type Logger } from "@teleport/plugin";

/**
 * Calls `wake` soon after the writer thread of any process has committed: it touches the write-ahead log then.
 * A hint only: on some file systems it never comes, so the caller polls as well. Returns what stops it.
 */
export function watchWrites(file: string, wake: () => void, log: Logger): () => void {
  const walName = `${basename(file)}-wal`;
  try {
    const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      if (name === walName) {
        wake();
      }
    });
    watcher.on("error", (error) => {
      log.warn("writes of other processes are noticed by polling only", { error: errorMessage(error) });
      watcher.close();
    });
    return () => watcher.close();
  } catch (error) {
    log.warn("writes of other processes are noticed by polling only", { error: errorMessage(error) });
    return () => undefined;
  }
}
