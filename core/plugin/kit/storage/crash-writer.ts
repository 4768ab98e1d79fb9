import { unavailable, errorMessage } from "../../../errors/error.js";
import type { Storage } from "../../storage.js";
import { bytes } from "./trial.js";

/** Every so many steps the item is deleted, and made again by the next step. */
const DELETE_EVERY = 5;

/** What the kit asks of the process: to write chains of steps until it is killed, or one lease. */
export type CrashTask =
  | { readonly task: "chains"; readonly keys: readonly string[] }
  | { readonly task: "lease"; readonly key: string; readonly expiresMs: number };

/** What the process says: it is ready, step `n` of the chain `key` was acknowledged, or it has failed. */
export type CrashReport =
  | { readonly type: "ready" }
  | { readonly type: "done"; readonly key: string; readonly n: number }
  | { readonly type: "failed"; readonly message: string };

/** What step `n` of a chain leaves behind: a value, or undefined where it deletes the item. */
export function chainValue(n: number): string | undefined {
  return n % DELETE_EVERY === DELETE_EVERY - 1 ? undefined : `step ${n}`;
}

/**
 * The body of the process that the crash cases kill: opens the storage and does what its parent asks by IPC. It ends
 * when the parent does.
 */
export async function serveCrashWriter(open: () => Promise<Storage>): Promise<void> {
  process.once("disconnect", () => process.exit(0));
  try {
    const storage = await open();
    const task = new Promise<CrashTask>((resolve) =>
      process.once("message", (message) => resolve(message as CrashTask)),
    );
    say({ type: "ready" });
    await carryOut(storage, await task);
  } catch (error) {
    say({ type: "failed", message: errorMessage(error) });
  }
}

async function carryOut(storage: Storage, task: CrashTask): Promise<void> {
  if (task.task === "chains") {
    await Promise.all(task.keys.map((key) => chain(storage, key)));
    return;
  }
  await storage.create({ key: task.key, value: bytes("held"), expires: new Date(task.expiresMs) });
  say({ type: "done", key: task.key, n: 0 });
}

/** Creates an item, swaps it, deletes it, and so on; each step is told of once it is acknowledged. */
async function chain(storage: Storage, key: string): Promise<never> {
  let revision: string | undefined;
  for (let n = 0; ; n++) {
    const value = chainValue(n);
    if (value === undefined) {
      await storage.delete(key, revision);
      revision = undefined;
    } else if (revision === undefined) {
      revision = await storage.create({ key, value: bytes(value) });
    } else {
      revision = await storage.compareAndSwap({ key, value: bytes(value) }, revision);
    }
    say({ type: "done", key, n });
  }
}

function say(report: CrashReport): void {
  if (!process.send) {
    throw unavailable("this process is started by the conformance kit only: it needs an IPC channel");
  }
  process.send(report);
}
