import assert from "node:assert/strict";
import { errorCode } from "../../../errors/error.js";
import type { Storage } from "../../storage.js";
import { bytes, collect, fill, text, type StorageTrial, type Trial } from "./trial.js";

const FOLDER = "/kit/fault";
const ALL = { start: `${FOLDER}/`, end: `${FOLDER}0` };
const KEPT = `${FOLDER}/kept`;

/** Faults: whatever is broken off ends, says what it is, and harms nobody else. */
export const faultCases: StorageTrial[] = [
  {
    name: "close during everything leaves nothing without an answer, and no answer is a lie",
    seeds: 2,
    async run(trial) {
      const peer = await trial.peer();
      const handle = peer === trial.storage ? trial.storage : await trial.peer();
      await trial.storage.put({ key: KEPT, value: bytes("kept") });
      const acknowledged = new Map<number, string>();
      const calls = Array.from({ length: 80 }, async (_, n) => {
        await laterOn(trial.random.below(4));
        await randomCall(trial, handle, n, acknowledged);
      });
      const watches = Array.from({ length: 5 }, () => readUntilEnd(handle));
      const settled = Promise.allSettled([...calls, ...watches]);
      await laterOn(trial.random.below(3));
      await trial.within(handle.close(), "close did not return");
      for (const outcome of await trial.within(settled, "something was left without an answer")) {
        if (outcome.status === "rejected") {
          assert.equal(errorCode(outcome.reason), "unavailable", String(outcome.reason));
        }
      }
      if (handle !== trial.storage) {
        for (const [n, value] of acknowledged) {
          assert.equal(text((await trial.storage.get(`${FOLDER}/${n}`)).value), value);
        }
      }
    },
  },
  {
    name: "a watch of a closed storage is unavailable",
    async run(trial) {
      const { storage } = trial;
      const waiting = storage.watch([FOLDER]);
      await storage.close();
      const open = async (): Promise<void> => {
        for await (const event of storage.watch([FOLDER])) {
          assert.fail(`it yielded ${event.type}`);
        }
      };
      const code = await trial.within(
        open().then(() => "ended", errorCode),
        "the watch did not end",
      );
      assert.equal(code, "unavailable");
      // One that was asked for before but never read ends as well.
      const unread = (async () => {
        for await (const event of waiting) {
          assert.equal(event.type, "init");
        }
      })();
      const ended = await trial.within(
        unread.then(() => "ended", errorCode),
        "the watch that nobody had read did not end",
      );
      assert.ok(["ended", "unavailable"].includes(ended), ended);
    },
  },
  {
    name: "a range with an aborted signal yields nothing and throws its reason",
    async run(trial) {
      await trial.storage.put({ key: KEPT, value: bytes("kept") });
      const reason = new Error("not wanted");
      const read = async (): Promise<void> => {
        for await (const item of trial.storage.range(ALL, { signal: AbortSignal.abort(reason) })) {
          assert.fail(`it yielded ${item.key}`);
        }
      };
      await assert.rejects(trial.within(read(), "the range did not end"), reason);
    },
  },
  {
    name: "an aborted long range ends at once and the storage goes on",
    async run(trial) {
      const { storage } = trial;
      await fill(storage, manyItems(2000));
      const reason = new Error("enough");
      const stop = new AbortController();
      let seen = 0;
      const read = async (): Promise<void> => {
        for await (const _item of storage.range(ALL, { signal: stop.signal })) {
          if (++seen === 700) {
            stop.abort(reason);
          }
        }
      };
      await assert.rejects(trial.within(read(), "the range did not end"), reason);
      assert.equal(seen, 700);
      assert.equal((await collect(storage, ALL)).length, 2000);
    },
  },
  {
    name: "the end of one watch does not touch the others",
    async run(trial) {
      const { storage } = trial;
      const stay = await trial.watch([FOLDER]);
      for (let round = 0; round < 10; round++) {
        const stop = new AbortController();
        const gone = await trial.watch([FOLDER], { signal: stop.signal });
        await storage.put({ key: KEPT, value: bytes(String(round)) });
        if (round % 2) {
          await gone.line();
        }
        stop.abort();
      }
      assert.deepEqual(
        await stay.lines(10),
        Array.from({ length: 10 }, (_, n) => `put ${KEPT} ${n}`),
      );
    },
  },
  {
    name: "a watch that is left by its reader is over",
    async run(trial) {
      const { storage } = trial;
      for (let round = 0; round < 20; round++) {
        for await (const event of storage.watch([FOLDER])) {
          assert.equal(event.type, "init");
          break;
        }
      }
      await storage.put({ key: KEPT, value: bytes("kept") });
      await trial.within(storage.close(), "close waits for watches that were left");
    },
  },
  {
    name: "watches that nobody reads hold up neither writers nor close",
    async run(trial) {
      const { storage } = trial;
      for (let n = 0; n < 20; n++) {
        await trial.watch([FOLDER]);
      }
      await trial.within(
        fill(storage, manyItems(500, 1000)).then(() => collect(storage, ALL)),
        "writers and readers wait for the watches",
      );
      await trial.within(storage.close(), "close waits for the watches");
    },
  },
  {
    name: "ranges that nobody reads to their end do not hold up close",
    async run(trial) {
      const { storage } = trial;
      await fill(storage, manyItems(1000));
      const iterators = Array.from({ length: 10 }, () => storage.range(ALL)[Symbol.asyncIterator]());
      await Promise.all(iterators.map((iterator) => iterator.next()));
      await trial.within(storage.close(), "close waits for the ranges");
    },
  },
  {
    name: "one handle's close leaves the other alone",
    async run(trial) {
      const peer = await trial.peer();
      const other = await trial.peer();
      if (peer === other) {
        return;
      }
      const watch = await trial.watch([FOLDER], {}, other);
      await peer.put({ key: KEPT, value: bytes("1") });
      await peer.close();
      await other.put({ key: KEPT, value: bytes("2") });
      assert.deepEqual(await watch.lines(2), [`put ${KEPT} 1`, `put ${KEPT} 2`]);
      assert.equal(text((await other.get(KEPT)).value), "2");
    },
  },
];

async function randomCall(
  trial: Trial,
  storage: Storage,
  n: number,
  acknowledged: Map<number, string>,
): Promise<void> {
  const item = { key: `${FOLDER}/${n}`, value: bytes(`value ${n}`) };
  switch (n % 8) {
    case 0:
      await storage.create(item);
      acknowledged.set(n, `value ${n}`);
      return;
    case 1:
      await storage.put(item);
      acknowledged.set(n, `value ${n}`);
      return;
    case 2:
      // The key is there from the beginning to the end: nobody may say that it is not.
      assert.equal(text((await storage.get(KEPT)).value), "kept");
      return;
    case 3:
      await storage.keepAlive(KEPT, trial.later());
      return;
    case 4:
      await storage.update({ key: KEPT, value: bytes("kept") });
      return;
    case 5:
      assert.ok((await collect(storage, ALL)).some(({ key }) => key === KEPT));
      return;
    case 6:
      await storage.deleteRange({ start: `${FOLDER}/none/`, end: `${FOLDER}/none0` });
      return;
    default: {
      const { revision } = await storage.get(KEPT);
      await storage.compareAndSwap({ key: KEPT, value: bytes("kept") }, revision).catch((error: unknown) => {
        if (errorCode(error) !== "compare_failed") {
          throw error;
        }
      });
    }
  }
}

async function readUntilEnd(storage: Storage): Promise<void> {
  for await (const event of storage.watch([FOLDER])) {
    assert.notEqual(event.type, "delete");
  }
}

async function laterOn(turns: number): Promise<void> {
  for (let n = 0; n < turns; n++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function manyItems(count: number, sizeBytes = 10): { key: string; value: Uint8Array }[] {
  return Array.from({ length: count }, (_, n) => ({
    key: `${FOLDER}/${String(n).padStart(5, "0")}`,
    value: new Uint8Array(sizeBytes).fill(n),
  }));
}
