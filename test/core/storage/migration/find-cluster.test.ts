import assert from "node:assert/strict";
import { findCluster } from "../../../../core/storage/migration/find-cluster.js";
import { encode, MARK_KEY, readMark, RECORD_KEY } from "../../../../core/storage/migration/records.js";
import { settingsText } from "../../../../core/storage/migration/settings-text.js";
import { content, keepingLog, populate, Stores } from "./cluster.js";

describe("core/storage/migration/find-cluster", () => {
  let stores: Stores;
  let lines: string[];
  beforeEach(() => {
    stores = new Stores();
    lines = [];
  });
  afterEach(() => stores.dispose());

  const find = (configured: string, remembered?: string, startAnew = false) =>
    findCluster(
      {
        configured: stores.settings(configured),
        remembered: remembered === undefined ? undefined : stores.settings(remembered),
        startAnew,
      },
      stores.tools("one", { log: keepingLog(lines) }),
    );

  /** Moves the cluster along a way of stores. */
  async function move(...way: string[]): Promise<void> {
    const mover = await stores.host("one", way[0] as string);
    for (const to of way.slice(1)) await mover.migrate(stores.settings(to));
    await mover.close();
    await mover.storage.close();
  }

  it("serves a new or known store that nobody has moved", async () => {
    const { store, moveOn } = await find("a");
    assert.deepEqual([store.settings.type, store.epoch, moveOn], ["a", 0, false]);
    await populate(stores.raw("a"));
    assert.equal((await find("a", "a")).store.epoch, 0);
    assert.deepEqual(lines, []);
  });

  it("follows every move from old settings, and names the edit", async () => {
    await populate(stores.raw("a"));
    await move("a", "b", "c");
    const { store, moveOn } = await find("a", "a");
    assert.deepEqual([store.settings.type, store.epoch, moveOn], ["c", 2, false]);
    assert.match(lines.at(-1) ?? "", /has moved from the b storage .* set teleport.storage to \{type: c\}/);
    assert.equal(stores.open.get("a"), 0);
    assert.equal(stores.open.get("b"), 0);
  });

  it("finds a cluster that has moved in a circle", async () => {
    await populate(stores.raw("a"));
    await move("a", "b", "c", "a");
    for (const configured of ["a", "b", "c"]) {
      const { store } = await find(configured);
      assert.deepEqual([store.settings.type, store.epoch], ["a", 3], `from ${configured}`);
    }
  });

  it("refuses with the edit where the cluster went out of reach", async () => {
    await populate(stores.raw("a"));
    await move("a", "b");
    stores.away.add("b");
    await assert.rejects(find("a", "a"), {
      code: "unavailable",
      message: /cannot be reached where it is \(b does not answer\): set teleport.storage to \{type: b\}/,
    });
    assert.equal(stores.open.get("a"), 0);
  });

  it("refuses where the way leads to a store that the cluster never came to", async () => {
    await populate(stores.raw("a"));
    await move("a", "b");
    await stores.raw("b").delete(MARK_KEY);
    await assert.rejects(find("a"), /leads to a store without it/);
  });

  it("does not undo what a mark says that another host has written meanwhile", async () => {
    await populate(stores.raw("a"));
    await move("a", "b");
    const target = stores.raw("b");
    const mark = Buffer.from((await target.get(MARK_KEY)).value);
    const serving = JSON.parse(mark.toString()) as object;
    await target.put({
      key: MARK_KEY,
      value: encode({ ...serving, phase: "ready", source: stores.settings("a") }),
    });
    const swap = target.compareAndSwap.bind(target);
    target.compareAndSwap = async (item, revision) => {
      target.compareAndSwap = swap;
      await target.put({ key: MARK_KEY, value: encode({ ...serving, epoch: 3, id: "later" }) });
      return swap(item, revision);
    };
    const { store } = await find("b");
    assert.equal(store.epoch, 3);
    assert.equal((await readMark(target))?.value.id, "later");
  });

  it("refuses an unfinished target whose source cannot be asked", async () => {
    const mark = { version: 1, id: "1", epoch: 1, phase: "ready", cluster: {}, source: stores.settings("a") };
    await stores.raw("b").put({ key: MARK_KEY, value: encode(mark) });
    stores.away.add("a");
    await assert.rejects(find("b", "b"), /may be unfinished.* cannot be reached to find out/);
  });

  it("refuses a record that it cannot read", async () => {
    await stores.raw("a").put({ key: RECORD_KEY, value: Buffer.from("{") });
    await assert.rejects(find("a"), { code: "corrupt" });
    await stores.raw("b").put({ key: RECORD_KEY, value: encode({ version: 2 }) });
    await assert.rejects(find("b"), { code: "corrupt", message: /another release/ });
  });

  it("makes no new cluster in an empty store while this host knows one", async () => {
    await populate(stores.raw("a"));
    const { store, moveOn } = await find("b", "a");
    assert.deepEqual([store.settings.type, moveOn], ["a", true]);
    assert.match(
      lines.at(-1) ?? "",
      /is empty: serving from the a storage, where the cluster is, and moving it/,
    );
    stores.away.add("a");
    await assert.rejects(find("b", "a"), /name it again, or start a new cluster with another data_dir/);
    assert.deepEqual(await content(stores.raw("b")), []);
  });

  it("starts anew where it is told to, or where the known store is empty too", async () => {
    await populate(stores.raw("a"));
    assert.equal((await find("b", "a", true)).store.settings.type, "b");
    assert.equal((await find("b", "c")).store.settings.type, "b");
  });

  it("serves another cluster where that is configured", async () => {
    await populate(stores.raw("a"));
    await populate(stores.raw("b"), 3, "other");
    const { store, moveOn } = await find("b", "a");
    assert.deepEqual([store.settings.type, moveOn], ["b", false]);
  });

  it("shows settings without what is secret", () => {
    const settings = { peers: ["https://p:2379"], password_file: "/f", secret_key: "x", password: "y" };
    assert.equal(
      settingsText({ type: "etcd", settings }),
      `{type: etcd, peers: ["https://p:2379"], password_file: "/f", secret_key: …, password: …}`,
    );
  });

  it("finds what is secret inside of lists, maps and URLs, too", () => {
    const settings = {
      nodes: [{ password: "p", host: "h" }],
      url: "https://user:p@h/x",
      plain: "https://h/@x",
    };
    assert.equal(
      settingsText({ type: "x", settings }),
      `{type: x, nodes: [{password: …, host: "h"}], url: "https://…@h/x", plain: "https://h/@x"}`,
    );
  });
});
