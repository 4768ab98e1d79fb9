import assert from "node:assert/strict";
import { unavailable } from "../../../core/errors/error.js";
import { prefixRange, type NewItem, type Storage } from "../../../core/plugin/storage.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";
import { MovingClock } from "./moving-clock.js";

const REQUEST = { duration_ms: 1000, in_flight: 4, value_bytes: 64 };
const OURS = prefixRange("/extensions/storage_bench");

async function keysOf(storage: Storage): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of storage.range(OURS)) found.push(key);
  return found;
}

type Method = (...args: never[]) => unknown;

/** The same storage, but for methods that are replaced for as long as `replacement` gives one. */
function replacing(storage: Storage, replacement: (name: string | symbol) => Method | undefined): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (replacement(name) ?? (value.bind(target) as Method)) : value;
    },
  });
}

describe("core/auth/storage-benches", () => {
  let auth: AuthFixture;
  afterEach(() => auth.close());

  it("measures every phase, is audited, and leaves nothing behind", async () => {
    auth = await startAuth();
    const before = auth.events.length;
    const report = await auth.as("Admin").benchStorage(REQUEST);
    assert.equal(report.backend, "memory");
    assert.equal(report.server, "authhost");
    assert.deepEqual(
      report.phases.map(({ name, in_flight }) => `${name} ${in_flight}`),
      ["write_latency 1", "put 4", "get 4", "range 1", "compare_and_swap 4", "watch 1"],
    );
    for (const { name, count, failed, p50_ms, p99_ms, max_ms } of report.phases) {
      assert.ok(count > 0 && failed === 0, name);
      assert.ok(p50_ms! <= p99_ms! && p99_ms! <= max_ms!, name);
    }
    assert.deepEqual(await keysOf(auth.storage), []);
    assert.deepEqual(auth.events.slice(before), [
      { event: "storage.bench", code: "TSB00I", backend: "memory", ...REQUEST },
    ]);
  });

  it("runs once at a time in the cluster, and again when what a crash has left has expired", async () => {
    auth = await startAuth();
    const first = auth.as("Admin").benchStorage(REQUEST);
    await assert.rejects(auth.as("Admin").benchStorage(REQUEST), {
      code: "limit_exceeded",
      message: /another storage bench is running/,
    });
    await first;
    const mark = "/extensions/storage_bench_running";
    const soon = new Date(auth.clock.now().getTime() + 60_000);
    await auth.storage.create({ key: mark, value: Buffer.from("crashed"), expires: soon });
    await assert.rejects(auth.as("Admin").benchStorage(REQUEST), { code: "limit_exceeded" });
    auth.clock.advance(60_001);
    await auth.as("Admin").benchStorage(REQUEST);
  });

  it("refuses what is out of bounds, before anything is written or audited", async () => {
    auth = await startAuth();
    const before = auth.events.length;
    for (const wrong of [
      { duration_ms: 20_001 },
      { duration_ms: 999 },
      { in_flight: 0 },
      { in_flight: 65 },
      { in_flight: 1.5 },
      { in_flight: NaN },
      { value_bytes: 65_537 },
      { value_bytes: 0 },
    ]) {
      await assert.rejects(auth.as("Admin").benchStorage({ ...REQUEST, ...wrong }), {
        code: "bad_parameter",
      });
    }
    assert.equal(auth.events.length, before);
    assert.deepEqual(await keysOf(auth.storage), []);
  });

  it("starts nothing where it cannot be audited", async () => {
    auth = await startAuth();
    auth.failAudit(true);
    await assert.rejects(auth.as("Admin").benchStorage(REQUEST), /the audit log is full/);
    assert.deepEqual(await keysOf(auth.storage), []);
  });

  it("may be granted to users by a permission of its own", async () => {
    auth = await startAuth();
    const role = (resources: string[]) => ({
      kind: "role" as const,
      version: "v3",
      metadata: { name: "storage" },
      spec: { options: {}, allow: { rules: [{ resources, verbs: ["create"] }] }, deny: {} },
    });
    await auth.as("Admin").upsertRole(role(["token"]));
    const user = auth.asUser("alice", { roles: ["storage"] });
    await assert.rejects(user.benchStorage(REQUEST), { code: "access_denied" });
    await auth.as("Admin").upsertRole(role(["storage_bench"]));
    await user.benchStorage(REQUEST);
    const event = auth.events.find(({ event }) => event === "storage.bench");
    assert.equal(event?.["user"], "alice");
  });

  it("tells how many operations failed and why, and stops a phase that only fails", async () => {
    const clock = new MovingClock("2026-11-22T12:00:00Z");
    const storage = createMemoryStorage(clock);
    const broken = replacing(storage, (name) =>
      name === "compareAndSwap"
        ? () => Promise.reject(unavailable("the disk is full; free some space"))
        : undefined,
    );
    auth = await startAuth({ clusterName: "broken.test" }, { storage: broken, clock });
    const { phases } = await auth.as("Admin").benchStorage(REQUEST);
    const swap = phases.find(({ name }) => name === "compare_and_swap");
    assert.equal(swap?.error, "the disk is full; free some space");
    assert.equal(swap.count, 0);
    assert.equal(swap.p50_ms, undefined);
    assert.ok(swap.failed >= 10 && swap.failed < 20, String(swap.failed));
  });

  it("gives up where the storage hangs, and does not wait for the cleaning", async () => {
    const clock = new MovingClock("2026-11-22T12:00:00Z");
    const storage = createMemoryStorage(clock);
    let hangs = false;
    const never = (): Promise<never> => new Promise(() => undefined);
    const hanging = replacing(storage, (name) => {
      if (hangs) return name === "delete" ? undefined : never;
      if (name !== "put") return undefined;
      return (item: NewItem) => {
        hangs = item.key.includes("storage_bench/");
        return hangs ? never() : storage.put(item);
      };
    });
    auth = await startAuth({ clusterName: "hanging.test" }, { storage: hanging, clock });
    const running = auth.as("Admin").benchStorage(REQUEST);
    running.catch(() => undefined);
    while (!hangs) await new Promise((resolve) => setImmediate(resolve));
    auth.clock.advance(REQUEST.duration_ms + 8_000);
    await assert.rejects(running, { code: "unavailable", message: /did not answer in time/ });
    hangs = false;
    assert.deepEqual(await keysOf(storage), []);
  });
});
