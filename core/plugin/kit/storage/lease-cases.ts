import assert from "node:assert/strict";
import { bytes, rejectsWith, tally, text, type StorageTrial } from "./trial.js";

const KEY = "/kit/lease";

/** Leases: items that live for as long as their holder renews them. */
export const leaseCases: StorageTrial[] = [
  {
    name: "a lease lives on while it is renewed, and ends when nobody renews it",
    async run(trial) {
      const { storage } = trial;
      const { expires, ttlMs, waitMs } = trial.soon(2);
      await storage.create({ key: KEY, value: bytes("holder"), expires });
      for (let round = 0; round < 10; round++) {
        await trial.pass(ttlMs / 8);
        await storage.keepAlive(KEY, trial.soon(2).expires);
      }
      assert.equal(text((await storage.get(KEY)).value), "holder");
      await trial.pass(waitMs);
      await rejectsWith("not_found", storage.keepAlive(KEY, trial.later()));
    },
  },
  {
    name: "of two holders that renew one lease by its revision one goes on and the other is told",
    async run(trial) {
      const handles = [trial.storage, await trial.peer()] as const;
      let revision = await trial.storage.create({ key: KEY, value: bytes("0"), expires: trial.later() });
      for (let round = 1; round <= 20; round++) {
        const renewals = handles.map((storage, n) =>
          storage.compareAndSwap(
            { key: KEY, value: bytes(`${round} by ${n}`), expires: trial.later(round) },
            revision,
          ),
        );
        assert.deepEqual(await tally(renewals), { ok: 1, compare_failed: 1 });
        revision = await Promise.any(renewals);
        assert.equal((await trial.storage.get(KEY)).revision, revision);
      }
    },
  },
  {
    name: "renewals by two handles at once keep the value, and the last one's expiry stands",
    async run(trial) {
      const handles = [trial.storage, await trial.peer()] as const;
      await trial.storage.create({ key: KEY, value: bytes("holder"), expires: trial.later() });
      const renewals = await Promise.all(
        Array.from({ length: 20 }, async (_, n) => {
          const expires = trial.later(n + 2);
          return { expires, revision: await handles[n % 2 ? 1 : 0].keepAlive(KEY, expires) };
        }),
      );
      assert.equal(new Set(renewals.map(({ revision }) => revision)).size, renewals.length);
      const item = await trial.storage.get(KEY);
      assert.equal(text(item.value), "holder");
      const last = renewals.find(({ revision }) => revision === item.revision);
      assert.ok(last, "the item shows a revision that no renewal was given");
      assert.ok(trial.isExpiry(item.expires, last.expires.getTime()));
    },
  },
  {
    name: "a renewal and a write at once lose neither the value nor the lease",
    async run(trial) {
      const handles = [trial.storage, await trial.peer()] as const;
      for (let round = 0; round < 20; round++) {
        const key = `${KEY}/${round}`;
        await trial.storage.create({ key, value: bytes("old"), expires: trial.later() });
        const write = { key, value: bytes("new"), expires: trial.later(2) };
        await Promise.all([handles[0].keepAlive(key, trial.later(3)), handles[1].put(write)]);
        const item = await trial.storage.get(key);
        assert.equal(text(item.value), "new", "the renewal has written the value from before the write");
      }
    },
  },
  {
    name: "who comes back after the lease has passed on is refused and disturbs nobody",
    async run(trial) {
      const { storage } = trial;
      const peer = await trial.peer();
      const { expires, waitMs } = trial.soon();
      const first = await storage.create({ key: KEY, value: bytes("first"), expires });
      await trial.pass(waitMs);
      const second = await peer.create({ key: KEY, value: bytes("second"), expires: trial.later() });
      const item = { key: KEY, value: bytes("first"), expires: trial.later(2) };
      await rejectsWith("compare_failed", storage.compareAndSwap(item, first));
      await rejectsWith("compare_failed", storage.update(item, first));
      await rejectsWith("compare_failed", storage.delete(KEY, first));
      const now = await storage.get(KEY);
      assert.deepEqual([text(now.value), now.revision], ["second", second]);
    },
  },
  {
    name: "of many that want a lapsed lease one gets it",
    async run(trial) {
      const handles = [trial.storage, await trial.peer()] as const;
      const { expires, waitMs } = trial.soon();
      await trial.storage.create({ key: KEY, value: bytes("gone"), expires });
      await trial.pass(waitMs);
      const attempts = Array.from({ length: 20 }, (_, n) =>
        handles[n % 2 ? 1 : 0].create({ key: KEY, value: bytes(String(n)), expires: trial.later() }),
      );
      assert.deepEqual(await tally(attempts), { ok: 1, already_exists: 19 });
    },
  },
  {
    name: "each of many leases ends at its own time",
    async run(trial) {
      const { storage } = trial;
      const { expires, waitMs } = trial.soon();
      for (let n = 0; n < 20; n++) {
        const until = n % 2 ? expires : trial.later();
        await storage.put({ key: `${KEY}/${n}`, value: bytes(String(n)), expires: until });
      }
      await trial.pass(waitMs);
      for (let n = 0; n < 20; n++) {
        const read = storage.get(`${KEY}/${n}`);
        await (n % 2 ? rejectsWith("not_found", read) : read);
      }
    },
  },
];
