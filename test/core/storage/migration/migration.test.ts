import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { unavailable, type Storage } from "@teleport/plugin";
import type { StorageMover } from "../../../../core/storage/migration/mover.js";
import { MARK_KEY, MEMBER_KEYS, readMark, readRecord } from "../../../../core/storage/migration/records.js";
import { content, populate, Stores, Writers } from "./cluster.js";

describe("core/storage/migration", () => {
  let stores: Stores;
  const movers: StorageMover[] = [];
  const host = async (...args: Parameters<Stores["host"]>): Promise<StorageMover> => {
    const mover = await stores.host(...args);
    movers.push(mover);
    return mover;
  };
  beforeEach(() => (stores = new Stores()));
  afterEach(async () => {
    for (const mover of movers.splice(0)) {
      await mover.close();
      await mover.storage.close();
    }
    await stores.dispose();
  });

  it("moves a cluster there and back again under writes that all succeed", async () => {
    await populate(stores.raw("a"));
    const mover = await host("one", "a");
    const writers = new Writers([mover.storage], 8);
    for (const [round, to] of ["b", "c", "a", "b"].entries()) {
      await pause(30);
      const report = await mover.migrate(stores.settings(to));
      assert.equal(report.to, to);
      assert.ok(report.items >= 201);
      assert.equal(mover.storage.current.epoch, round + 1);
      const mark = (await readMark(stores.raw(to)))?.value;
      assert.deepEqual([mark?.phase, mark?.source], ["serving", undefined]);
    }
    await pause(30);
    await writers.stop();
    await writers.check(mover.storage);
    await writers.check(stores.raw("b"));
    assert.ok(writers.writes > 100);
  });

  it("copies values and expiries as they are, and nothing that belongs to the old store", async () => {
    await populate(stores.raw("a"));
    const mover = await host("one", "a");
    await mover.migrate(stores.settings("b"));
    assert.deepEqual(await content(stores.raw("b")), await content(stores.raw("a")));
    const [before, after] = await Promise.all(["a", "b"].map((name) => stores.raw(name).get("/items/00010")));
    assert.deepEqual(after?.expires, before?.expires);
    assert.equal(await readRecord(stores.raw("b")), undefined);
  });

  const holding: Record<string, (target: Storage) => Promise<unknown>> = {
    "another cluster": (target) => populate(target, 3, "other"),
    "anything else": (target) => target.put({ key: "/x", value: Buffer.from("1") }),
  };
  for (const [what, fill] of Object.entries(holding)) {
    it(`refuses a target that holds ${what}, and changes nothing there or here`, async () => {
      await populate(stores.raw("a"));
      await fill(stores.raw("b"));
      const before = await content(stores.raw("b"));
      const mover = await host("one", "a");
      await assert.rejects(mover.migrate(stores.settings("b")), {
        code: "bad_parameter",
        message: /the target/,
      });
      assert.deepEqual(await content(stores.raw("b")), before);
      assert.equal(await readMark(stores.raw("b")), undefined);
      assert.equal(await readRecord(stores.raw("a")), undefined);
      assert.equal(stores.open.get("b"), 0);
    });
  }

  it("refuses the store that it is in", async () => {
    await populate(stores.raw("a"));
    const mover = await host("one", "a");
    const before = await content(stores.raw("a"));
    await assert.rejects(mover.migrate(stores.settings("a")), /is in already/);
    assert.deepEqual(await content(stores.raw("a")), before);
  });

  it("refuses a target that cannot be reached, or written", async () => {
    await populate(stores.raw("a"));
    const mover = await host("one", "a");
    stores.away.add("b");
    await assert.rejects(mover.migrate(stores.settings("b")), /does not answer/);
    stores.raw("full").put = () => Promise.reject(unavailable("the disk is full"));
    await assert.rejects(mover.migrate(stores.settings("full")), /the disk is full/);
    assert.equal(await readRecord(stores.raw("a")), undefined);
  });

  it("rolls back when the target fails in the middle, and says why", async () => {
    await populate(stores.raw("a"));
    const target = stores.raw("b");
    const put = target.put.bind(target);
    let room = 50;
    target.put = (item) =>
      item.key === MARK_KEY || room-- > 0 ? put(item) : Promise.reject(new Error("no room"));
    const mover = await host("one", "a");
    const writers = new Writers([mover.storage], 4);
    await assert.rejects(mover.migrate(stores.settings("b")), /no room/);
    await pause(20);
    await writers.stop();
    await writers.check(stores.raw("a"));
    assert.deepEqual(await content(target), []);
    assert.equal(await readMark(target), undefined);
    const record = (await readRecord(stores.raw("a")))?.value;
    assert.deepEqual([record?.phase, record?.reason], ["aborted", "no room"]);
    target.put = put;
    await mover.migrate(stores.settings("b"));
  });

  it("is aborted by the administrator, and can be started again", async () => {
    await populate(stores.raw("a"));
    const target = stores.raw("b");
    const put = target.put.bind(target);
    target.put = async (item) => {
      await pause(20);
      return put(item);
    };
    const mover = await host("one", "a");
    await assert.rejects(mover.abort("not today"), /no migration is under way/);
    const migration = mover.migrate(stores.settings("b"));
    migration.catch(() => undefined);
    while ((await mover.status()).record?.phase !== "copying") await pause(1);
    await assert.rejects(mover.migrate(stores.settings("c")), /moved already/);
    await mover.abort("not today");
    await assert.rejects(migration, /aborted: not today/);
    assert.equal((await mover.status()).record?.phase, "aborted");
    target.put = put;
    await mover.migrate(stores.settings("b"));
    assert.equal(mover.storage.current.settings.type, "b");
  });

  it("leaves nothing of writes that were under way when it was aborted", async () => {
    await populate(stores.raw("a"));
    const target = stores.raw("b");
    const put = target.put.bind(target);
    let slow = 0;
    target.put = async (item) => {
      if (item.key.startsWith("/items/")) await pause(++slow % 2 === 0 ? 100 : 1);
      return put(item);
    };
    const mover = await host("one", "a");
    const migration = mover.migrate(stores.settings("b"));
    migration.catch(() => undefined);
    while (slow < 20) await pause(1);
    await mover.abort("not today");
    await assert.rejects(migration, /aborted: not today/);
    await pause(200);
    assert.deepEqual(await content(target), []);
  });

  it("slows down writers that are faster than the target, and still arrives", async () => {
    await populate(stores.raw("a"), 5);
    const target = stores.raw("b");
    const put = target.put.bind(target);
    let turn: Promise<unknown> = Promise.resolve();
    // One write every millisecond or more: much less than the writers make.
    target.put = (item) => {
      const written = turn.then(() => pause(1)).then(() => put(item));
      turn = written.catch(() => undefined);
      return written;
    };
    const mover = await host("one", "a");
    const writers = new Writers([mover.storage], 12);
    await pause(20);
    await mover.migrate(stores.settings("b"));
    target.put = put;
    await writers.stop();
    await writers.check(target);
  });

  it("looks up a commit whose answer is lost", async () => {
    await populate(stores.raw("a"));
    const source = stores.raw("a");
    const swap = source.compareAndSwap.bind(source);
    source.compareAndSwap = async (item, expected) => {
      const revision = await swap(item, expected);
      if (Buffer.from(item.value).includes('"phase":"committed"')) throw unavailable("the answer is lost");
      return revision;
    };
    const mover = await host("one", "a");
    const writers = new Writers([mover.storage], 4);
    await mover.migrate(stores.settings("b"));
    await writers.stop();
    await writers.check(stores.raw("b"));
  });

  it("leaves the decision to the next start where it ends before the commit is answered", async () => {
    await populate(stores.raw("a"));
    const source = stores.raw("a");
    const before = await content(source);
    const swap = source.compareAndSwap.bind(source);
    let committing = false;
    source.compareAndSwap = async (item, expected) => {
      committing ||= Buffer.from(item.value).includes('"phase":"committed"');
      return committing ? Promise.reject(unavailable("a does not answer")) : swap(item, expected);
    };
    const mover = await host("one", "a");
    const migration = mover.migrate(stores.settings("b"));
    migration.catch(() => undefined);
    while (!committing) await pause(1);
    await mover.close();
    await assert.rejects(migration, /ended before the storage said whether/);
    assert.equal((await readMark(stores.raw("b")))?.value.phase, "ready");
    assert.deepEqual(await content(stores.raw("b")), before);
    assert.equal(stores.open.get("b"), 0);
  });

  it("does not move without one that has come since the copy began and cannot follow", async () => {
    await populate(stores.raw("a"));
    const servers: { id: string; name: string }[] = [];
    const mover = await host("one", "a", { authServers: () => Promise.resolve(servers.splice(0)) });
    const put = stores.raw("b").put.bind(stores.raw("b"));
    stores.raw("b").put = (item) => {
      servers[0] = { id: "4.2", name: "stock" };
      return put(item);
    };
    await assert.rejects(
      mover.migrate(stores.settings("b")),
      /auth server stock .* cannot follow a migration/,
    );
    assert.equal((await readRecord(stores.raw("a")))?.value.phase, "aborted");
  });

  describe("with two auth servers", () => {
    it("takes both along, under writes on both", async () => {
      await populate(stores.raw("a"));
      const [one, two] = [await host("one", "a"), await host("two", "a")];
      const writers = new Writers([one.storage, two.storage], 8);
      for (const [leader, to] of [
        [one, "b"],
        [two, "c"],
        [one, "a"],
      ] as const) {
        await pause(20);
        await leader.migrate(stores.settings(to));
        for (const { storage } of [one, two]) while (storage.current.settings.type !== to) await pause(1);
      }
      await pause(20);
      await writers.stop();
      await writers.check(stores.raw("a"));
    });

    it("is led by one of two that are told to at once, and loses nothing to the other", async () => {
      for (let headStartMs = 0; headStartMs < 30; headStartMs += 3) {
        const both = new Stores();
        await populate(both.raw("a"));
        const target = both.raw("b");
        const erase = target.deleteRange.bind(target);
        // The one that comes second is held up where it does the most harm.
        target.deleteRange = async (range) => {
          await pause(10);
          return erase(range);
        };
        const [one, two] = [await both.host("one", "a"), await both.host("two", "a")];
        const moves = await Promise.allSettled([
          one.migrate(both.settings("b")),
          pause(headStartMs).then(() => two.migrate(both.settings("b"))),
        ]);
        await pause(30);
        assert.equal(moves.filter(({ status }) => status === "fulfilled").length, 1);
        assert.deepEqual(await content(target), await content(both.raw("a")), `after ${headStartMs} ms`);
        for (const mover of [one, two]) {
          while (mover.storage.current.settings.type !== "b") await pause(1);
          await mover.close();
          await mover.storage.close();
        }
        await both.dispose();
      }
    });

    it("stays where one of them cannot reach the target", async () => {
      await populate(stores.raw("a"));
      const one = await host("one", "a");
      await host("two", "a", { open: () => Promise.reject(unavailable("no route to b")) });
      await assert.rejects(one.migrate(stores.settings("b")), /auth server two cannot follow: no route to b/);
      assert.equal((await readRecord(stores.raw("a")))?.value.phase, "aborted");
      assert.deepEqual(await content(stores.raw("b")), []);
    });

    it("stays where the target's settings mean another store to one of them", async () => {
      await populate(stores.raw("a"));
      const one = await host("one", "a");
      const elsewhere = new Stores();
      await host("two", "a", { open: elsewhere.tools("two").open });
      await assert.rejects(one.migrate(stores.settings("b")), /two cannot follow: .* another store/);
      await elsewhere.dispose();
    });

    it("refuses where an auth server is listed that cannot follow", async () => {
      await populate(stores.raw("a"));
      const stock = { id: "4.2", name: "stock" };
      const one = await host("one", "a", { authServers: () => Promise.resolve([stock]) });
      await assert.rejects(
        one.migrate(stores.settings("b")),
        /auth server stock .* cannot follow a migration/,
      );
    });

    it("does not wait for one that was shut down", async () => {
      await populate(stores.raw("a"));
      const one = await host("one", "a");
      const two = await stores.host("two", "a");
      await two.storage.close();
      await two.close();
      const began = performance.now();
      await one.migrate(stores.settings("b"));
      assert.ok(performance.now() - began < 10_000);
    });

    it("goes on without one that is gone for good", async () => {
      await populate(stores.raw("a"));
      const one = await host("one", "a");
      const gone = { version: 1, host: { id: "gone", name: "gone" }, untilMs: Date.now() - 60_000 };
      await stores.raw("a").put({ key: `${MEMBER_KEYS}gone`, value: Buffer.from(JSON.stringify(gone)) });
      await one.migrate(stores.settings("b"));
    });
  });
});
