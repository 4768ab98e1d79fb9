import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { unavailable, type Storage } from "@teleport/plugin";
import { StorageMover } from "../../../../core/storage/migration/mover.js";
import {
  encode,
  MARK_KEY,
  MEMBER_KEYS,
  RECORD_KEY,
  readRecord,
} from "../../../../core/storage/migration/records.js";
import { populate, Stores, Writers } from "./cluster.js";

describe("core/storage/migration/follower", () => {
  let stores: Stores;
  const movers: StorageMover[] = [];
  const host = async (...args: Parameters<Stores["host"]>): Promise<StorageMover> => {
    const mover = await stores.host(...args);
    movers.push(mover);
    return mover;
  };
  beforeEach(async () => {
    stores = new Stores();
    await populate(stores.raw("a"));
  });
  afterEach(async () => {
    for (const mover of movers.splice(0)) {
      await mover.close();
      await mover.storage.close();
    }
    await stores.dispose();
  });

  const write = (mover: StorageMover): Promise<unknown> =>
    mover.storage.put({ key: "/x", value: Buffer.from("1") });

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await pause(1);
  }

  /** A host whose view of one store the test can change. */
  async function hostWithView(
    name: string,
    of: string,
    change: (view: Storage) => void,
  ): Promise<StorageMover> {
    const tools = stores.tools(name);
    return host(name, "a", {
      async open(settings) {
        const store = await tools.open(settings);
        if (settings.type !== of) return store;
        const view = Object.create(store.storage) as Storage;
        for (const verb of ["put", "get", "create", "update", "compareAndSwap", "range", "watch"] as const) {
          Object.assign(view, { [verb]: store.storage[verb].bind(store.storage) });
        }
        change(view);
        return { ...store, storage: view };
      },
    });
  }

  it("follows from the start where it begins in the middle of a migration", async () => {
    const target = stores.raw("b");
    const put = target.put.bind(target);
    target.put = async (item) => {
      await pause(5);
      return put(item);
    };
    const one = await host("one", "a");
    const moved = one.migrate(stores.settings("b"));
    await until(async () => (await readRecord(stores.raw("a")))?.value.claimed === true);
    const two = await host("two", "a");
    const writers = new Writers([two.storage], 6);
    await moved;
    await until(() => two.storage.current.settings.type === "b");
    await writers.stop();
    await writers.check(target);
  });

  it("lets writes go on when another migration has taken the place of the one that it is frozen for", async () => {
    const two = await host("two", "a");
    const record = {
      ...{ version: 1, id: "m1", epoch: 1, phase: "frozen", untilMs: Date.now() + 60_000, claimed: true },
      ...{ leader: { id: "zero", name: "zero" }, target: stores.settings("b") },
    };
    await stores.raw("a").put({ key: RECORD_KEY, value: encode(record) });
    await until(async () => {
      const member = await stores.raw("a").get(`${MEMBER_KEYS}id-of-two`);
      return Buffer.from(member.value).includes('"freezing"');
    });
    const written = write(two);
    await stores
      .raw("a")
      .put({ key: RECORD_KEY, value: encode({ ...record, id: "m2", phase: "copying", claimed: false }) });
    await written;
  });

  it("goes over although the target does not take its lease just then", async () => {
    let refused = 0;
    const two = await hostWithView("two", "b", (view) => {
      const put = view.put;
      view.put = (item) => {
        const fails = item.key.startsWith(MEMBER_KEYS) && refused++ < 3;
        return fails ? Promise.reject(unavailable("b does not answer")) : put(item);
      };
    });
    const one = await host("one", "a");
    await one.migrate(stores.settings("b"));
    await until(() => two.storage.current.settings.type === "b");
    while (
      !(await write(two).then(
        () => true,
        () => false,
      ))
    )
      await pause(1);
    assert.equal(Buffer.from((await stores.raw("b").get("/x")).value).toString(), "1");
  });

  it("goes over by what the target says where the store that was left dies at the commit", async () => {
    const one = await host("one", "a");
    const source = stores.raw("a");
    const swap = source.compareAndSwap.bind(source);
    let dead = false;
    source.compareAndSwap = async (item, revision) => {
      // From here on the other host does not reach the source.
      dead ||= Buffer.from(item.value).includes('"phase":"committed"');
      return swap(item, revision);
    };
    const tools = stores.tools("two");
    const gone = (): Promise<never> => Promise.reject(unavailable("a does not answer"));
    const view = Object.create(source) as Storage;
    Object.assign(view, {
      get: (key: string) => (dead ? gone() : source.get(key)),
      put: (item: Parameters<Storage["put"]>[0]) => (dead ? gone() : source.put(item)),
      range: (...args: Parameters<Storage["range"]>) => source.range(...args),
      async *watch(...args: Parameters<Storage["watch"]>) {
        for await (const event of source.watch(...args)) {
          if (dead) await gone();
          yield event;
        }
      },
    });
    const first = { settings: stores.settings("a"), storage: view, epoch: 0, close: () => Promise.resolve() };
    const follower = await StorageMover.start(first, tools);
    movers.push(follower);
    await one.migrate(stores.settings("b"));
    await write(follower);
    assert.equal(follower.storage.current.settings.type, "b");
    assert.ok(await stores.raw("b").get(MARK_KEY));
  });

  it("does not hold up its leader where the source dies after the commit", async () => {
    const one = await host("one", "a");
    await host("two", "a");
    const source = stores.raw("a");
    const { range } = source;
    const swap = source.compareAndSwap.bind(source);
    source.compareAndSwap = async (item, revision) => {
      const stored = await swap(item, revision);
      if (Buffer.from(item.value).includes('"phase":"committed"')) {
        source.range = () => {
          throw unavailable("a does not answer");
        };
      }
      return stored;
    };
    await one.migrate(stores.settings("b"));
    source.range = range;
    await write(one);
    assert.equal(Buffer.from((await stores.raw("b").get("/x")).value).toString(), "1");
  });
});
