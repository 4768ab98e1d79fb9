import assert from "node:assert/strict";
import { errorCode } from "../../../errors/error.js";
import type { Storage } from "../../storage.js";
import { bytes, collect, rejectsWith, text, type StorageTrial } from "./trial.js";

const FOLDER = "/kit/outage";
const KEY = `${FOLDER}/kept`;
const ALL = { start: `${FOLDER}/`, end: `${FOLDER}0` };

/** Outages: a server that is away makes calls unavailable, and nothing is lost or made up. */
export const outageCases: StorageTrial[] = [
  {
    name: "while the server is away every verb is unavailable, never not_found, and afterwards all is there",
    async run(trial) {
      const { storage } = trial;
      const revision = await storage.create({ key: KEY, value: bytes("kept") });
      const item = { key: KEY, value: bytes("new") };
      // At once, since each may go on trying for a while.
      await trial.outage(async () => {
        await Promise.all([
          rejectsWith("unavailable", storage.get(KEY)),
          rejectsWith("unavailable", storage.get(`${FOLDER}/never-written`)),
          rejectsWith("unavailable", storage.create(item)),
          rejectsWith("unavailable", storage.put(item)),
          rejectsWith("unavailable", storage.update(item, revision)),
          rejectsWith("unavailable", storage.compareAndSwap(item, revision)),
          rejectsWith("unavailable", storage.delete(KEY, revision)),
          rejectsWith("unavailable", storage.keepAlive(`${FOLDER}/never-written`, trial.later())),
          rejectsWith("unavailable", storage.deleteRange(ALL)),
          rejectsWith("unavailable", collect(storage, ALL)),
        ]);
      });
      await recovered(storage, trial.patienceMs);
      // A call that was unavailable may have been carried out.
      const now = await storage.get(KEY).catch((error: unknown) => errorCode(error));
      assert.ok(
        typeof now === "string" || now.revision === revision || text(now.value) === "new",
        "the item is neither the old nor the new one",
      );
      assert.notEqual(now, "unavailable");
    },
  },
  {
    name: "a watch misses nothing that was written around an outage, or says reset",
    async run(trial) {
      const watch = await trial.watch([`${FOLDER}/`]);
      await trial.storage.put({ key: KEY, value: bytes("before") });
      assert.equal(await watch.line(), `put ${KEY} before`);
      await trial.outage(async () => undefined);
      await recovered(trial.storage, trial.patienceMs);
      await trial.storage.put({ key: KEY, value: bytes("after") });
      assert.ok(["reset", `put ${KEY} after`].includes(await watch.line()));
    },
  },
];

/** Waits until the storage answers again. */
async function recovered(storage: Storage, patienceMs: number): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const code = await storage.get(`${FOLDER}/never-written`).then(() => "found", errorCode);
    if (code !== "unavailable") {
      assert.equal(code, "not_found");
      return;
    }
    assert.ok(performance.now() < untilMs, `the storage did not come back within ${patienceMs} ms`);
  }
}
