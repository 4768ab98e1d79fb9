/** A second process on the same store: `child.js <directory> <task> <argument>`; what it did is on its stdout. */
import { hasCode, type Storage } from "@teleport/plugin";
import { serveCrashWriter } from "../../../core/plugin/kit/storage-conformance.js";
import { openDirStorage } from "../../../plugins/backend-dir/index.js";

const [directory = "", task = "", argument = ""] = process.argv.slice(2);
const storage = await openDirStorage({ directory });
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

/** Writes until it is killed; a key is printed once its write is acknowledged. */
async function flood(): Promise<void> {
  for (let n = 0; ; n += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const key = `/flood/${n + i}`;
        await storage.put({ key, value: Buffer.from(key.repeat(20)) });
        say(key);
      }),
    );
  }
}

async function increment(store: Storage, key: string): Promise<void> {
  for (;;) {
    const item = await store.get(key);
    try {
      await store.compareAndSwap(
        { key, value: Buffer.from(String(Number(Buffer.from(item.value)) + 1)) },
        item.revision,
      );
      return;
    } catch (error) {
      if (!hasCode(error, "compare_failed")) {
        throw error;
      }
    }
  }
}

switch (task) {
  case "crash":
    await serveCrashWriter(async () => storage);
    break;
  case "flood":
    await flood();
    break;
  case "increment":
    for (let n = 0; n < Number(argument); n++) {
      await increment(storage, "/counter");
    }
    break;
  case "echo":
    for await (const event of storage.watch(["/ping/"])) {
      if (event.type === "init") {
        say("ready");
      } else if (event.type === "put") {
        await storage.put({ key: event.item.key.replace("ping", "pong"), value: event.item.value });
      }
    }
    break;
  case "watch":
    for await (const event of storage.watch([argument])) {
      say(event.type === "put" ? `put ${event.item.key}` : event.type);
      if (event.type === "put") {
        break;
      }
    }
}
await storage.close();
