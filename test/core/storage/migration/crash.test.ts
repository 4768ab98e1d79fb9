import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { ManualClock } from "../../../../core/plugin/kit/manual-clock.js";
import { findCluster, type FoundCluster } from "../../../../core/storage/migration/find-cluster.js";
import { StorageMover } from "../../../../core/storage/migration/mover.js";
import { readRecord, type StoreSettings } from "../../../../core/storage/migration/records.js";
import type { MigrationTools } from "../../../../core/storage/migration/tools.js";
import { content, keepingLog, populate, Stores } from "./cluster.js";
import { Life } from "./mortal.js";

const ITEMS = 5;

/** The tools of a host with one life. */
function mortal(stores: Stores, life: Life, name = "one"): MigrationTools {
  const tools = stores.tools(name);
  return {
    ...tools,
    async open(settings) {
      const store = await tools.open(settings);
      return { ...store, storage: life.of(store.storage) };
    },
  };
}

async function start(stores: Stores, life: Life, name = "one"): Promise<StorageMover> {
  const tools = mortal(stores, life, name);
  return StorageMover.start({ ...(await tools.open(stores.settings("a"))), epoch: 0 }, tools);
}

/** A start after the crash, with what teleport.yaml and the host's memory say. */
function find(
  stores: Stores,
  configured: StoreSettings,
  remembered: StoreSettings,
  lines: string[] = [],
): Promise<FoundCluster> {
  return findCluster(
    { configured, remembered, startAnew: false },
    stores.tools("one", { log: keepingLog(lines) }),
  );
}

function committing(what: unknown): boolean {
  const { value } = what as { value?: Uint8Array };
  return value !== undefined && Buffer.from(value).includes('"phase":"committed"');
}

describe("core/storage/migration: a leader that dies", () => {
  for (const done of [true, false]) {
    it(`at any of its writes, which is ${done ? "still" : "not"} done, leaves one cluster that every start finds`, async () => {
      const complete = new Life();
      const whole = new Stores();
      await populate(whole.raw("a"), ITEMS);
      const calm = await start(whole, complete);
      await calm.storage.put({ key: "/unanswered", value: Buffer.from("x") });
      await calm.migrate(whole.settings("b"));
      await calm.close();
      let moved = 0;
      let stayed = 0;
      for (let lastWrite = 2; lastWrite <= complete.writes; lastWrite++) {
        const stores = new Stores();
        const [a, b] = [stores.settings("a"), stores.settings("b")];
        await populate(stores.raw("a"), ITEMS);
        const before = await content(stores.raw("a"));
        const life = new Life((write) => write === lastWrite, done);
        const mover = await start(stores, life);
        const unanswered = mover.storage.put({ key: "/unanswered", value: Buffer.from("x") });
        unanswered.catch(() => undefined);
        mover.migrate(b).catch(() => undefined);
        await life.over;
        await pause(1);

        const found = [await find(stores, a, a), await find(stores, b, a), await find(stores, b, b)];
        const places = new Set(found.map(({ store }) => store.settings.type));
        const empty = await content(stores.raw("b"));
        // A host that remembers the target has been told of the commit; before, it can only remember the source.
        if (places.size > 1) assert.deepEqual(empty, [], `after write ${lastWrite}`);
        const { store, moveOn } = found[1] as FoundCluster;
        const lines = (await content(store.storage)).filter((line) => !line.startsWith("/unanswered"));
        assert.deepEqual(lines, before, `after write ${lastWrite}, in ${store.settings.type}`);
        if (store.settings.type === "b") {
          moved++;
          assert.equal((found[0] as FoundCluster).store.settings.type, "b");
          assert.equal(moveOn, false);
        } else {
          stayed++;
          assert.equal(moveOn, true);
          // The start goes on as it was told, and the cluster arrives.
          const again = await StorageMover.start(store, stores.tools("one"));
          await again.migrate(b);
          assert.deepEqual(
            (await content(stores.raw("b"))).filter((line) => !line.startsWith("/unanswered")),
            before,
          );
          await again.close();
        }
        await mover.close();
        await stores.dispose();
      }
      assert.ok(stayed > ITEMS && moved > 0, `stayed ${stayed} times, moved ${moved} times`);
      await whole.dispose();
    });
  }

  it("while writes are held back lets those of the other auth server go on, in the old store", async () => {
    const clock = new ManualClock(new Date());
    const stores = new Stores(clock);
    await populate(stores.raw("a"), ITEMS);
    const two = await stores.host("two", "a");
    const life = new Life((_, what) => committing(what), false);
    const one = await start(stores, life);
    one.migrate(stores.settings("b")).catch(() => undefined);
    await life.over;
    assert.equal((await readRecord(stores.raw("a")))?.value.phase, "frozen");
    let written = false;
    const write = two.storage.put({ key: "/x", value: Buffer.from("1") }).then(() => (written = true));
    for (let second = 0; second < 15; second++) {
      await clock.advance(1000);
      await pause(1);
    }
    assert.equal(written, false, "the leader is waited for as long as it may live");
    for (let second = 0; second < 15; second++) {
      await clock.advance(1000);
      await pause(1);
    }
    await write;
    assert.equal((await readRecord(stores.raw("a")))?.value.phase, "aborted");
    assert.equal(Buffer.from((await stores.raw("a").get("/x")).value).toString(), "1");
    for (const mover of [one, two]) await mover.close();
    await stores.dispose();
  });
});
