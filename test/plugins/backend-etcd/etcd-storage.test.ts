import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Etcd3 } from "etcd3";
import { errorMessage, hasCode } from "../../../core/errors/error.js";
import type { Storage, StorageEvent } from "../../../core/plugin/storage.js";
import { fixture } from "../../kit/paths.js";
import { needEtcd, startEtcd, type EtcdCluster } from "../../kit/etcd.js";
import { freshPrefix, open } from "./open.js";
import { TcpProxy } from "../../kit/tcp-proxy.js";

const text = (value: Uint8Array): string => Buffer.from(value).toString();
const bytes = (value: string): Uint8Array => Buffer.from(value);

describe("plugins/backend-etcd/etcd-storage", function () {
  this.timeout(120_000);
  let etcd: EtcdCluster;

  before(async function () {
    needEtcd(this);
    etcd = await startEtcd();
  });
  after(() => etcd?.dispose());

  /** What stands in etcd below a prefix, keys and values as text. */
  async function dump(prefix: string): Promise<Map<string, string>> {
    const { kvs = [] } = JSON.parse(await etcd.ctl("get", "--prefix", prefix, "-w", "json")) as {
      kvs?: { key: string; value?: string; lease?: number }[];
    };
    const decode = (base64 = ""): string => Buffer.from(base64, "base64").toString();
    return new Map(kvs.map(({ key, value }) => [decode(key), decode(value)]));
  }

  describe("prefix", () => {
    it("keeps clusters apart whose prefixes begin alike", async () => {
      const prefix = freshPrefix();
      const [a, ab] = [
        await open(etcd, { prefix: `${prefix}/` }),
        await open(etcd, { prefix: `${prefix}b` }),
      ];
      const seen: string[] = [];
      const watch = a.watch([""])[Symbol.asyncIterator]();
      await watch.next();
      await ab.put({ key: "/k", value: bytes("ab") });
      await ab.put({ key: ".locks/c", value: bytes("ab") });
      await a.put({ key: ".locks/c", value: bytes("a") });
      await a.put({ key: "/k", value: bytes("a") });
      for (let n = 0; n < 2; n++) {
        const event = (await watch.next()).value as StorageEvent;
        if (event.type === "put") seen.push(`${event.item.key} ${text(event.item.value)}`);
      }
      assert.deepEqual(seen, [".locks/c a", "/k a"]);
      assert.equal(await a.deleteRange({ start: "", end: "\x7f" }), 2);
      assert.equal(text((await ab.get("/k")).value), "ab");
      assert.deepEqual([...(await dump(`${prefix}b.`)).entries()], [[`${prefix}b.locks/c`, "YWI="]]);
      await Promise.all([a.close(), ab.close()]);
      // A closed storage leaves nothing of its own behind.
      assert.deepEqual([...(await dump(`${prefix}+`)).keys()], []);
    });

    it("is refused where it hides the cluster of a 4.2, or lies inside of another one", async () => {
      await etcd.ctl("put", "/teleport/cluster_configuration/name", "e30=");
      try {
        await assert.rejects(open(etcd, { prefix: "/custom" }), (error) => {
          assert.ok(hasCode(error, "bad_parameter"));
          assert.match(errorMessage(error), /set prefix: \/teleport$/);
          return true;
        });
        await assert.rejects(open(etcd, { prefix: "/teleport/two" }), /lies inside of it/);
        await (await open(etcd, { prefix: "/teleport" })).close();
        await etcd.ctl("put", "/own/x", "e30=");
        await (await open(etcd, { prefix: "/own" })).close();
      } finally {
        await etcd.ctl("del", "/teleport/cluster_configuration/name");
      }
    });
  });

  it("reads what 4.2 has stored, with its expiry, and writes it back byte by byte", async () => {
    const prefix = freshPrefix();
    const stored = readFileSync(fixture("storage", "etcd-kv.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as StockItem);
    const raw = new Map<string, string>();
    const lease = (await etcd.ctl("lease", "grant", "600")).split(" ")[1] ?? "";
    for (const item of stored) {
      const key = item.key.replace("/teleport", prefix);
      const value = item.value.base64 ?? Buffer.from(item.value.utf8 ?? "").toString("base64");
      raw.set(key, value);
      assert.ok(value.startsWith(item.etcd_value_prefix));
      await etcd.ctl("put", key, value, ...(item.lease ? ["--lease", lease] : []));
    }
    const storage = await open(etcd, { prefix });
    const items = [];
    for await (const item of storage.range({ start: "", end: "\x7f" })) items.push(item);
    assert.equal(items.length, stored.length);
    for (const [index, item] of items.entries()) {
      const leased = Boolean(stored.find(({ key }) => key === `/teleport${item.key}`)?.lease);
      assert.equal(item.expires !== undefined, leased, item.key);
      if (item.expires) assert.ok(Math.abs(item.expires.getTime() - Date.now() - 600_000) < 60_000);
      if (index % 2 === 0) await storage.put(item);
      else await storage.compareAndSwap(item, item.revision);
    }
    await storage.close();
    assert.deepEqual(await dump(`${prefix}/`), raw);
  });

  it("names the key whose value is not base64, and reads the others", async () => {
    const prefix = freshPrefix();
    const storage = await open(etcd, { prefix });
    const watch = storage.watch(["/"])[Symbol.asyncIterator]();
    await watch.next();
    await etcd.ctl("put", `${prefix}/bad`, "{}");
    await storage.put({ key: "/good", value: bytes("1") });
    assert.equal(((await watch.next()).value as StorageEvent).type, "reset");
    assert.equal(((await watch.next()).value as StorageEvent).type, "put");
    await assert.rejects(
      storage.get("/bad"),
      (error) => hasCode(error, "corrupt") && /\/bad/.test(errorMessage(error)),
    );
    assert.equal(text((await storage.get("/good")).value), "1");
    await storage.close();
  });

  it("writes on when its leases have vanished", async () => {
    const storage = await open(etcd);
    const expires = new Date(Date.now() + 300_000);
    await storage.put({ key: "/a", value: bytes("1"), expires });
    // Every lease: that of the item and that of the session.
    const revoked = (await etcd.ctl("lease", "list"))
      .split("\n")
      .filter((line) => /^[0-9a-f]{8,16}$/.test(line));
    for (const lease of revoked) await etcd.ctl("lease", "revoke", lease);
    await storage.put({ key: "/b", value: bytes("2"), expires });
    await storage.create({ key: "/a", value: bytes("3"), expires });
    assert.equal(text((await storage.get("/b")).value), "2");
    assert.equal((await storage.get("/a")).expires?.getTime(), Math.ceil(expires.getTime() / 1000) * 1000);
    await storage.close();
  });

  it("shares one lease among items that expire in the same second", async () => {
    const storage = await open(etcd);
    const leases = async (): Promise<number> => (await etcd.ctl("lease", "list")).split("\n").length;
    const before = await leases();
    const expires = new Date(Date.now() + 200_000);
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => storage.put({ key: `/${n}`, value: bytes("x"), expires })),
    );
    assert.equal((await leases()) - before, 1);
    await storage.close();
  });

  it("says limit_exceeded where etcd takes less than we do, and unavailable where its space is used up", async () => {
    const small = await startEtcd({
      args: ["--max-request-bytes", "20000", "--quota-backend-bytes", "400000", "--max-txn-ops", "8"],
    });
    try {
      const storage = await open(small);
      const sizes = [...Array<number>(100).fill(100), 30_000];
      const puts = await Promise.allSettled(
        sizes.map((size, n) => storage.put({ key: `/many/${n}`, value: Buffer.alloc(size, n) })),
      );
      assert.ok(puts.slice(0, -1).every(({ status }) => status === "fulfilled"));
      const last = puts.at(-1);
      assert.ok(last?.status === "rejected" && hasCode(last.reason, "limit_exceeded"));
      const items = await Promise.all(sizes.slice(0, -1).map((_, n) => storage.get(`/many/${n}`)));
      items.forEach(({ value }, n) => assert.deepEqual(value, Buffer.alloc(100, n)));
      await storage.deleteRange({ start: "/many/", end: "/many0" });
      await assert.rejects(storage.put({ key: "/large", value: Buffer.alloc(30_000) }), (error) =>
        hasCode(error, "limit_exceeded"),
      );
      const fill = async (): Promise<void> => {
        for (let n = 0; n < 200; n++) await storage.put({ key: `/${n}`, value: Buffer.alloc(10_000) });
      };
      await assert.rejects(fill(), (error) => {
        assert.ok(hasCode(error, "unavailable"));
        assert.match(errorMessage(error), /quota.*etcdctl alarm disarm/);
        return true;
      });
      assert.equal((await storage.get("/0")).value.length, 10_000);
      await storage.close();
    } finally {
      await small.dispose();
    }
  });

  describe("watch", () => {
    it("yields 10,000 changes across a kill right after it is set up", async () => {
      const own = await startEtcd();
      try {
        const prefix = freshPrefix();
        const storage = await open(own, { prefix });
        const start = storage.watch(["/"])[Symbol.asyncIterator]();
        const { cursor } = (await start.next()).value as StorageEvent;
        await start.return?.();
        const client = new Etcd3({ hosts: own.peers });
        for (let n = 0; n < 10_000; n += 100) {
          const puts = Array.from({ length: 100 }, (_, k) => client.put(`${prefix}/${n + k}`).value("eA=="));
          await client
            .if("none", "Version", "==", 0)
            .then(...puts)
            .commit();
        }
        client.close();
        const watch = storage.watch(["/"], { cursor })[Symbol.asyncIterator]();
        await watch.next();
        const keys = new Set<string>();
        for (let n = 0; n < 10_000; n++) {
          if (n === 1) await own.members[0]?.restart();
          const event = (await watch.next()).value as StorageEvent;
          assert.ok(event.type === "put");
          keys.add(event.item.key);
        }
        assert.equal(keys.size, 10_000);
        await storage.close();
      } finally {
        await own.dispose();
      }
    });

    it("resumes within a revision, on another handle, and within other prefixes", async () => {
      const prefix = freshPrefix();
      const storage = await open(etcd, { prefix });
      const start = storage.watch(["/"])[Symbol.asyncIterator]();
      await start.next();
      for (const key of ["/a", "/b", "/c"]) await storage.put({ key, value: bytes("x") });
      // One revision with three deletes.
      await storage.deleteRange({ start: "/", end: "0" });
      const events: StorageEvent[] = [];
      for (let n = 0; n < 6; n++) events.push((await start.next()).value as StorageEvent);
      const cursor = events[3]!.cursor;
      const line = (event: StorageEvent): string =>
        event.type === "put"
          ? `put ${event.item.key}`
          : event.type === "delete"
            ? `delete ${event.key}`
            : event.type;
      assert.deepEqual(events.slice(3).map(line), ["delete /a", "delete /b", "delete /c"]);
      const peer = await open(etcd, { prefix });
      for (const [prefixes, expected] of [
        [["/"], ["init", "delete /b", "delete /c"]],
        [["/c"], ["init", "delete /c"]],
      ] as const) {
        const resumed = peer.watch(prefixes, { cursor })[Symbol.asyncIterator]();
        const lines: string[] = [];
        for (const _ of expected) lines.push(line((await resumed.next()).value as StorageEvent));
        assert.deepEqual(lines, expected);
        await resumed.return?.();
      }
      await Promise.all([peer.close(), storage.close()]);
    });

    it("says reset where etcd has compacted what it asks for, and goes on", async () => {
      const storage = await open(etcd);
      const watch = storage.watch(["/"])[Symbol.asyncIterator]();
      const { cursor } = (await watch.next()).value as StorageEvent;
      await watch.return?.();
      let last = "";
      for (let n = 0; n < 5; n++) last = await storage.put({ key: "/a", value: bytes(String(n)) });
      await etcd.ctl("compact", last.split(".")[0] ?? "");
      const late = storage.watch(["/"], { cursor })[Symbol.asyncIterator]();
      const types = [(await late.next()).value, (await late.next()).value] as StorageEvent[];
      assert.deepEqual(
        types.map(({ type }) => type),
        ["init", "reset"],
      );
      await storage.put({ key: "/b", value: bytes("x") });
      assert.equal(((await late.next()).value as StorageEvent).type, "put");
      await storage.close();
    });
  });

  describe("lost answers", () => {
    const target = (): URL => new URL(etcd.peers[0] ?? "");
    let proxy: TcpProxy;
    let storage: Storage;

    beforeEach(async () => {
      proxy = new TcpProxy(target());
      storage = await open(etcd, { prefix: freshPrefix(), peers: [await proxy.listen()] });
    });
    afterEach(async () => {
      await storage.close();
      await proxy.close();
    });

    /** Does something whose answers are lost; the connection comes back a little later. */
    async function unanswered<T>(work: () => Promise<T>): Promise<T> {
      proxy.swallow(true);
      const result = work();
      result.catch(() => undefined);
      await pause(100);
      proxy.cut();
      proxy.swallow(false);
      return result;
    }

    it("finds out that each kind of write was carried out, once", async () => {
      const value = bytes("x");
      const watch = storage.watch(["/"])[Symbol.asyncIterator]();
      await watch.next();
      const created = await unanswered(() => storage.create({ key: "/a", value }));
      assert.equal((await storage.get("/a")).revision, created);
      const put = await unanswered(() => storage.put({ key: "/a", value }));
      const swapped = await unanswered(() => storage.compareAndSwap({ key: "/a", value }, put));
      await assert.rejects(storage.compareAndSwap({ key: "/a", value }, put), (error) =>
        hasCode(error, "compare_failed"),
      );
      const updated = await unanswered(() => storage.update({ key: "/a", value }, swapped));
      await unanswered(() => storage.keepAlive("/a", new Date(Date.now() + 60_000)));
      assert.notEqual((await storage.get("/a")).revision, updated);
      await unanswered(() => storage.delete("/a"));
      await storage.put({ key: "/b", value });
      await storage.put({ key: "/c", value });
      assert.equal(await unanswered(() => storage.deleteRange({ start: "/", end: "0" })), 2);
      // Puts that were sent together are found out about together, in whatever order they come to lie.
      const revisions = await unanswered(() =>
        Promise.all(["/d", "/e", "/d"].map((key) => storage.put({ key, value }))),
      );
      assert.equal((await storage.get("/e")).revision, revisions[1]);
      assert.ok([revisions[0], revisions[2]].includes((await storage.get("/d")).revision));
      const types: string[] = [];
      for (let n = 0; n < 10; n++) types.push(((await watch.next()).value as StorageEvent).type);
      assert.deepEqual(types, [...Array<string>(5).fill("put"), "delete", "put", "put", "delete", "delete"]);
    });

    it("makes each step of a counter once while connections break all the time", async () => {
      await storage.create({ key: "/counter", value: bytes("0") });
      let stopped = false;
      const breaking = (async () => {
        while (!stopped) {
          proxy.swallow(true);
          await pause(15);
          proxy.cut();
          proxy.swallow(false);
          await pause(60);
        }
      })();
      const steps = 10;
      const writer = async (): Promise<void> => {
        for (let n = 0; n < steps;) {
          const { value, revision } = await storage.get("/counter");
          try {
            await storage.compareAndSwap(
              { key: "/counter", value: bytes(String(Number(text(value)) + 1)) },
              revision,
            );
            n++;
          } catch (error) {
            if (!hasCode(error, "compare_failed")) throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: 4 }, writer));
      stopped = true;
      await breaking;
      assert.equal(text((await storage.get("/counter")).value), String(4 * steps));
    });

    it("lets no write come to life behind a later one", async () => {
      const [slow, other] = [new TcpProxy(target()), new TcpProxy(target())];
      other.refuse(true);
      const peers = [await slow.listen(), await other.listen()];
      const handle = await open(etcd, { prefix: freshPrefix(), peers });
      await handle.put({ key: "/put", value: bytes("0") });
      const before = await handle.put({ key: "/swap", value: bytes("0") });
      other.refuse(false);
      slow.hold();
      const first = Promise.all([
        handle.put({ key: "/put", value: bytes("first") }),
        handle.compareAndSwap({ key: "/swap", value: bytes("first") }, before),
        handle.create({ key: "/create", value: bytes("first") }),
      ]);
      await pause(100);
      slow.deaf();
      await first;
      await handle.put({ key: "/put", value: bytes("second") });
      await handle.delete("/create");
      slow.release();
      await pause(300);
      assert.equal(text((await handle.get("/put")).value), "second");
      assert.equal(text((await handle.get("/swap")).value), "first");
      await assert.rejects(handle.get("/create"), (error) => hasCode(error, "not_found"));
      await handle.close();
      await Promise.all([slow.close(), other.close()]);
    });
  });
});

interface StockItem {
  readonly key: string;
  readonly etcd_value_prefix: string;
  readonly value: { readonly utf8?: string; readonly base64?: string };
  readonly lease: number | null;
}
