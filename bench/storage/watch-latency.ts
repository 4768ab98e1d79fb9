/** How long a change takes to a watch in another process. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Storage } from "@teleport/plugin";
import { openBackend, type BackendName } from "./backend.js";

const SAMPLES = 200;
const PREFIX = "/latency/";

/** Milliseconds from the call of each write in a child process to its event here. */
export async function watchLatencies(
  storage: Storage,
  backend: { readonly name: BackendName; readonly settings: Readonly<Record<string, unknown>> },
): Promise<number[]> {
  const child = fork(fileURLToPath(import.meta.url), [backend.name, JSON.stringify(backend.settings)]);
  const latencies: number[] = [];
  await once(child, "message");
  for await (const event of storage.watch([PREFIX])) {
    if (event.type === "put") {
      // The monotonic clock is one and the same for all processes of a host.
      const called = BigInt(Buffer.from(event.item.value).toString());
      latencies.push(Number(process.hrtime.bigint() - called) / 1e6);
    }
    if (latencies.length === SAMPLES) break;
    child.send("write");
  }
  child.disconnect();
  await once(child, "exit");
  return latencies;
}

async function writeWhenTold(name: BackendName, settings: string): Promise<void> {
  const storage = await openBackend(name, JSON.parse(settings) as Record<string, unknown>);
  let n = 0;
  process.on("message", () => {
    void storage.put({ key: `${PREFIX}${n++}`, value: Buffer.from(String(process.hrtime.bigint())) });
  });
  process.on("disconnect", () => void storage.close());
  process.send?.("ready");
}

const [, file, name, settings] = process.argv;
if (file === fileURLToPath(import.meta.url) && name && settings) {
  await writeWhenTold(name as BackendName, settings);
}
