import assert from "node:assert/strict";
import { bytes, rejectsWith, text, type StorageTrial } from "./trial.js";

const IN = "/kit/in/";
/** Written last: what comes before it in a watch is all there was. */
const END = `${IN}zzz-end`;

/** Watches: init first, every change once and in order, resume, and `reset` where that cannot be. */
export const watchCases: StorageTrial[] = [
  {
    name: "a watch yields every kind of change, in order",
    proves: ["watch"],
    async run(trial) {
      const { storage } = trial;
      const watch = await trial.watch([IN]);
      const first = await storage.create({ key: `${IN}a`, value: bytes("1") });
      await storage.put({ key: `${IN}a`, value: bytes("2") });
      await storage.update({ key: `${IN}a`, value: bytes("3") });
      await storage.compareAndSwap(
        { key: `${IN}a`, value: bytes("4") },
        (await storage.get(`${IN}a`)).revision,
      );
      await storage.delete(`${IN}a`);
      const event = await watch.next();
      assert.ok(event.type === "put");
      assert.equal(event.item.revision, first);
      assert.equal(event.item.expires, undefined);
      assert.equal(text(event.item.value), "1");
      assert.deepEqual(await watch.lines(4), [
        `put ${IN}a 2`,
        `put ${IN}a 3`,
        `put ${IN}a 4`,
        `delete ${IN}a`,
      ]);
    },
  },
  {
    name: "a put event carries revision and expiry as get shows them",
    async run(trial) {
      const { storage } = trial;
      const watch = await trial.watch([IN]);
      const expires = trial.later(1);
      await storage.put({ key: `${IN}a`, value: bytes("1"), expires });
      await storage.keepAlive(`${IN}a`, trial.later(2));
      const put = await watch.next();
      const kept = await watch.next();
      assert.ok(put.type === "put" && kept.type === "put");
      assert.ok(trial.isExpiry(put.item.expires, expires.getTime()));
      const item = await storage.get(`${IN}a`);
      assert.deepEqual([kept.item.revision, text(kept.item.value)], [item.revision, "1"]);
      assert.ok(trial.isExpiry(kept.item.expires, item.expires?.getTime()));
    },
  },
  {
    name: "a watch sees nothing from before its start, and all from right after it",
    async run(trial) {
      const { storage } = trial;
      await storage.put({ key: `${IN}before`, value: bytes("x") });
      const watch = trial.startWatch([IN]);
      // Not even `init` has been asked for yet.
      await storage.put({ key: `${IN}after`, value: bytes("x") });
      assert.deepEqual(await watch.lines(2), ["init", `put ${IN}after x`]);
    },
  },
  {
    name: "a watch yields its prefixes only, and each change once",
    async run(trial) {
      const { storage } = trial;
      const watch = await trial.watch(["/kit/a/", "/kit/b", "/kit/bb", "/kit/end"]);
      for (const key of ["/kit/a/1", "/kit/a", "/kit/ab", "/kit/b", "/kit/bb", "/kit/c", "/kit/end"]) {
        await storage.put({ key, value: bytes("x") });
      }
      assert.deepEqual(await watch.lines(4), [
        "put /kit/a/1 x",
        "put /kit/b x",
        "put /kit/bb x",
        "put /kit/end x",
      ]);
    },
  },
  {
    name: "writes that fail are not seen",
    async run(trial) {
      const { storage } = trial;
      await storage.put({ key: `${IN}a`, value: bytes("1") });
      const watch = await trial.watch([IN]);
      await rejectsWith("already_exists", storage.create({ key: `${IN}a`, value: bytes("x") }));
      await rejectsWith(
        "compare_failed",
        storage.compareAndSwap({ key: `${IN}a`, value: bytes("x") }, "other"),
      );
      await rejectsWith("not_found", storage.update({ key: `${IN}b`, value: bytes("x") }));
      await rejectsWith("not_found", storage.delete(`${IN}b`));
      await storage.put({ key: END, value: bytes("x") });
      assert.equal(await watch.line(), `put ${END} x`);
    },
  },
  {
    name: "an empty value is seen",
    async run(trial) {
      const watch = await trial.watch([IN]);
      await trial.storage.put({ key: `${IN}a`, value: new Uint8Array() });
      await trial.storage.put({ key: END, value: bytes("x") });
      assert.deepEqual(await watch.lines(2), [`put ${IN}a `, `put ${END} x`]);
    },
  },
  {
    name: "a resumed watch does not mistake the changes of others for its own",
    async run(trial) {
      const { storage } = trial;
      const watch = await trial.watch([IN]);
      await storage.put({ key: `${IN}a`, value: bytes("1") });
      await watch.line();
      // Nothing below the prefix happens while nobody watches, but much beside it.
      for (let n = 0; n < 20; n++) {
        await storage.put({ key: "/kit/out", value: bytes(String(n)) });
      }
      const resumed = await trial.watch([IN], { cursor: watch.cursor });
      await storage.put({ key: END, value: bytes("x") });
      assert.equal(await resumed.line(), `put ${END} x`);
    },
  },
  {
    name: "deleteRange yields a delete for every key",
    async run(trial) {
      const { storage } = trial;
      await storage.put({ key: `${IN}a`, value: bytes("1") });
      await storage.put({ key: `${IN}b`, value: bytes("1") });
      const watch = await trial.watch([IN]);
      await storage.deleteRange({ start: IN, end: "/kit/in0" });
      assert.deepEqual((await watch.lines(2)).sort(), [`delete ${IN}a`, `delete ${IN}b`]);
    },
  },
  {
    name: "an expired item yields a delete",
    async run(trial) {
      const { storage } = trial;
      const { expires, waitMs } = trial.soon();
      const watch = await trial.watch([IN]);
      await storage.put({ key: `${IN}a`, value: bytes("1"), expires });
      assert.equal(await watch.line(), `put ${IN}a 1`);
      await trial.pass(waitMs + 1000);
      assert.equal(await watch.line(), `delete ${IN}a`);
    },
  },
  {
    name: "a resumed watch yields exactly what came behind its cursor",
    async run(trial) {
      const { storage } = trial;
      const watch = await trial.watch([IN]);
      for (let n = 0; n < 10; n++) {
        await storage.put({ key: `${IN}a`, value: bytes(String(n)) });
      }
      await watch.lines(4);
      const resumed = await trial.watch([IN], { cursor: watch.cursor });
      const rest = ["4", "5", "6", "7", "8", "9"].map((n) => `put ${IN}a ${n}`);
      assert.deepEqual(await resumed.lines(6), rest);
      // The cursor of the last event is one to resume from as well.
      await storage.put({ key: `${IN}a`, value: bytes("10") });
      const again = await trial.watch([IN], { cursor: resumed.cursor });
      assert.equal(await again.line(), `put ${IN}a 10`);
    },
  },
  {
    name: "a watch resumes from the cursor of init",
    async run(trial) {
      const { storage } = trial;
      const watch = await trial.watch([IN]);
      await storage.put({ key: `${IN}a`, value: bytes("1") });
      const resumed = await trial.watch([IN], { cursor: watch.cursor });
      assert.equal(await resumed.line(), `put ${IN}a 1`);
    },
  },
  {
    name: "a watch resumes on another handle",
    async run(trial) {
      const { storage } = trial;
      const watch = await trial.watch([IN]);
      await storage.put({ key: `${IN}a`, value: bytes("1") });
      await storage.put({ key: `${IN}a`, value: bytes("2") });
      await watch.line();
      const resumed = await trial.watch([IN], { cursor: watch.cursor }, await trial.peer());
      assert.equal(await resumed.line(), `put ${IN}a 2`);
    },
  },
  {
    name: "a cursor that means nothing gets a reset, and the watch goes on",
    async run(trial) {
      const { storage } = trial;
      await storage.put({ key: `${IN}a`, value: bytes("1") });
      for (const cursor of ["no such cursor", "999999999999"]) {
        const watch = await trial.watch([IN], { cursor });
        assert.equal(await watch.line(), "reset");
        await storage.put({ key: `${IN}a`, value: bytes("2") });
        assert.equal(await watch.line(), `put ${IN}a 2`);
      }
    },
  },
  {
    name: "a consumer that is away for 6,000 changes gets all of them or a reset",
    async run(trial) {
      const { storage } = trial;
      const watch = await trial.watch([IN]);
      await storage.put({ key: `${IN}first`, value: bytes("x") });
      assert.equal(await watch.line(), `put ${IN}first x`);
      for (let round = 0; round < 6; round++) {
        await Promise.all(
          Array.from({ length: 1000 }, (_, n) =>
            storage.put({ key: `${IN}${n}`, value: bytes(String(round)) }),
          ),
        );
      }
      await storage.put({ key: END, value: bytes("x") });
      let sinceReset = 0;
      let reset = false;
      const lastRound = new Map<string, number>();
      for (let line = await watch.line(); line !== `put ${END} x`; line = await watch.line()) {
        if (line === "reset") {
          reset = true;
          lastRound.clear();
          // Everything may have happened before the reset; then a new change shows that the watch is alive.
          await storage.put({ key: END, value: bytes("x") });
          continue;
        }
        sinceReset++;
        const [, key = "", round = ""] = line.split(" ");
        const before = lastRound.get(key);
        assert.ok(
          before === undefined || Number(round) === before + 1,
          `${key}: ${round} came after ${before}`,
        );
        lastRound.set(key, Number(round));
      }
      assert.ok(reset || sinceReset === 6000, `${6000 - sinceReset} changes were lost without a reset`);
    },
  },
  {
    name: "every watch of many gets everything, also from another handle",
    async run(trial) {
      const peer = await trial.peer();
      const watches = await Promise.all(
        Array.from({ length: 20 }, (_, n) => trial.watch([IN], {}, n % 2 ? peer : trial.storage)),
      );
      const expected: string[] = [];
      for (let n = 0; n < 50; n++) {
        await (n % 3 ? peer : trial.storage).put({ key: `${IN}a`, value: bytes(String(n)) });
        expected.push(`put ${IN}a ${n}`);
      }
      for (const lines of await Promise.all(watches.map((watch) => watch.lines(50)))) {
        assert.deepEqual(lines, expected);
      }
    },
  },
  {
    name: "under concurrent writers the last event of a key is its final state",
    async run(trial) {
      const handles = [trial.storage, await trial.peer()] as const;
      const watch = await trial.watch([IN]);
      await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          handles[n % 2 ? 1 : 0].put({ key: `${IN}${n % 4}`, value: bytes(String(n)) }),
        ),
      );
      await trial.storage.put({ key: END, value: bytes("x") });
      const last = new Map<string, string>();
      let count = 0;
      for (let event = await watch.next(); ; event = await watch.next()) {
        assert.ok(event.type === "put");
        if (event.item.key === END) {
          break;
        }
        count++;
        last.set(event.item.key, event.item.revision);
      }
      assert.equal(count, 200);
      for (const [key, revision] of last) {
        assert.equal((await trial.storage.get(key)).revision, revision);
      }
    },
  },
  {
    name: "the signal ends a watch without an error",
    async run(trial) {
      const stop = new AbortController();
      const watch = await trial.watch([IN], { signal: stop.signal });
      const end = watch.ended();
      stop.abort();
      await end;
      const already = trial.startWatch([IN], { signal: AbortSignal.abort() });
      await already.endedAfterInit();
    },
  },
];
