/**
 * Three members under load while their leader is killed, frozen and cut off, again and again. It runs for a few seconds;
 * `TELEPORT_CHAOS_ROUNDS` makes it longer.
 */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { errorCode, hasCode } from "../../../core/errors/error.js";
import type { Storage, StorageEvent } from "../../../core/plugin/storage.js";
import { needEtcd, startEtcd, type EtcdCluster } from "../../kit/etcd.js";
import { freshPrefix, open } from "./open.js";

const ROUNDS = Number(process.env.TELEPORT_CHAOS_ROUNDS ?? 1);
const COUNTERS = 3;
const WRITERS = 4;

describe("plugins/backend-etcd: chaos", function () {
  this.timeout(120_000 + ROUNDS * 60_000);
  let etcd: EtcdCluster;

  before(async function () {
    needEtcd(this);
    etcd = await startEtcd({ members: 3, partitions: true });
  });
  after(() => etcd?.dispose());

  it("loses no acknowledged write, serves no stale read and leaves no gap in a watch", async () => {
    const prefix = freshPrefix();
    const handles: Storage[] = [];
    for (const peers of [etcd.peers, etcd.peers, [...etcd.peers].reverse()]) {
      handles.push(await open(etcd, { prefix, peers }));
    }
    const load = new Load(handles);
    const stop = new AbortController();
    const watchers = handles.map((storage) => new Watcher(storage, stop.signal));
    await Promise.all(watchers.map((watcher) => watcher.started));
    const running = load.run();

    for (let round = 0; round < ROUNDS; round++) {
      const killed = await etcd.leader();
      await killed.kill();
      await load.goesOn("after the leader was killed");
      await killed.restart();

      const frozen = await etcd.leader();
      frozen.freeze();
      await load.goesOn("after the leader was frozen");
      frozen.thaw();
      await load.goesOn("after the leader came to life again");

      const isolated = await etcd.leader();
      etcd.isolate(isolated);
      await load.goesOn("after the leader was cut off");
      etcd.heal();
      await load.goesOn("after the wire was mended");
    }

    load.stop();
    await running;
    await etcd.leader();
    await load.check();
    await handles[0]!.put({ key: "/end", value: Buffer.from("end") });
    const final = await Promise.all(watchers.map((watcher) => watcher.finished));
    stop.abort();
    for (const lines of final) load.checkEvents(lines);
    await Promise.all(handles.map((storage) => storage.close()));
  });
});

/** Writers that raise counters by compareAndSwap and put numbers, each reading back what it wrote. */
class Load {
  #stopped = false;
  #acknowledged = 0;
  readonly #longestMs: number[] = [];
  /** Steps of each counter: surely made, and of unknown outcome. */
  readonly #steps = Array.from({ length: COUNTERS }, () => ({ sure: 0, unknown: 0 }));
  /** Per own key: the last value acknowledged and those attempted later. */
  readonly #own = new Map<string, { last: number; open: number[] }>();
  /** Every acknowledged write as a watch must show it. */
  readonly #expected = new Set<string>();
  readonly #failures: unknown[] = [];

  constructor(private readonly handles: readonly Storage[]) {}

  async run(): Promise<void> {
    for (let n = 0; n < COUNTERS; n++) {
      await this.handles[0]!.create({ key: `/counter/${n}`, value: Buffer.from("0") });
    }
    await Promise.all(
      Array.from({ length: WRITERS * this.handles.length }, (_, n) =>
        this.#writer(this.handles[n % this.handles.length]!, n).catch((error: unknown) => {
          this.#failures.push(error);
        }),
      ),
    );
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Fails where the load does not go on within a generous time; a few dozen writes make sure that it really does. */
  async goesOn(when: string): Promise<void> {
    const target = this.#acknowledged + 150;
    const started = Date.now();
    while (this.#acknowledged < target && this.#failures.length === 0) {
      assert.ok(Date.now() - started < 20_000, `nothing is written ${when}`);
      await pause(20);
    }
    this.#longestMs.push(Date.now() - started);
    if (process.env.TELEPORT_CHAOS_ROUNDS)
      console.log(`      ${when}: 150 writes in ${Date.now() - started} ms`);
  }

  /** Compares what is stored with what was acknowledged. */
  async check(): Promise<void> {
    assert.deepEqual(this.#failures, []);
    const storage = this.handles[0]!;
    for (const [n, { sure, unknown }] of this.#steps.entries()) {
      const value = Number(Buffer.from((await storage.get(`/counter/${n}`)).value).toString());
      assert.ok(value >= sure && value <= sure + unknown, `${value} is not ${sure} (+ up to ${unknown})`);
    }
    for (const [key, { last, open: attempted }] of this.#own) {
      const value = Number(Buffer.from((await storage.get(key)).value).toString());
      assert.ok(value === last || attempted.includes(value), `${key}: ${value} instead of ${last}`);
    }
  }

  /** Every acknowledged write is among the events, once, and in order per key. */
  checkEvents(lines: readonly string[]): void {
    const seen = new Set(lines);
    assert.equal(seen.size, lines.length, "a change was seen twice");
    for (const line of this.#expected) assert.ok(seen.has(line), `${line} was not seen`);
    const last = new Map<string, number>();
    for (const line of lines) {
      const [key = "", value = "", revision = ""] = line.split(" ");
      const before = last.get(key) ?? 0;
      assert.ok(Number(revision) > before, `${key} ${value}: changes out of order`);
      last.set(key, Number(revision));
    }
  }

  async #writer(storage: Storage, n: number): Promise<void> {
    const key = `/own/${n}`;
    const own = { last: -1, open: [] as number[] };
    this.#own.set(key, own);
    for (let round = 0; !this.#stopped; round++) {
      await this.#step(storage, n % COUNTERS);
      try {
        const revision = await storage.put({ key, value: Buffer.from(String(round)) });
        own.last = round;
        own.open = [];
        this.#acknowledge(`${key} ${round} ${revision.split(".")[0]}`);
      } catch (error) {
        unavailableOnly(error);
        own.open.push(round);
        continue;
      }
      const reader = this.handles[(n + round) % this.handles.length]!;
      try {
        const read = Number(Buffer.from((await reader.get(key)).value).toString());
        assert.equal(read, round, `${key}: a stale read`);
      } catch (error) {
        unavailableOnly(error);
      }
    }
  }

  async #step(storage: Storage, n: number): Promise<void> {
    const key = `/counter/${n}`;
    const steps = this.#steps[n]!;
    try {
      const item = await storage.get(key);
      const next = Number(Buffer.from(item.value).toString()) + 1;
      const revision = await storage.compareAndSwap({ key, value: Buffer.from(String(next)) }, item.revision);
      steps.sure++;
      this.#acknowledge(`${key} ${next} ${revision.split(".")[0]}`);
    } catch (error) {
      if (hasCode(error, "compare_failed")) return;
      unavailableOnly(error);
      steps.unknown++;
    }
  }

  #acknowledge(line: string): void {
    this.#expected.add(line);
    this.#acknowledged++;
  }
}

function unavailableOnly(error: unknown): void {
  if (errorCode(error) !== "unavailable") throw error;
}

/** Collects what a watch says until the key `/end` is written. */
class Watcher {
  readonly started: Promise<void>;
  readonly finished: Promise<string[]>;

  constructor(storage: Storage, signal: AbortSignal) {
    const events = storage.watch([""], { signal })[Symbol.asyncIterator]();
    this.started = events.next().then(({ value }) => assert.equal((value as StorageEvent).type, "init"));
    this.finished = this.started.then(async () => {
      const lines: string[] = [];
      for (;;) {
        const result = await events.next();
        assert.ok(!result.done, "the watch has ended");
        const event = result.value;
        assert.ok(event.type === "put", `the watch said ${event.type}`);
        if (event.item.key === "/end") return lines;
        const text = Buffer.from(event.item.value).toString();
        lines.push(`${event.item.key} ${text} ${event.item.revision.split(".")[0]}`);
      }
    });
    this.finished.catch(() => undefined);
  }
}
