/** Stores, hosts and writers for tests of migrations. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import {
  hasCode,
  silentLogger,
  systemClock,
  unavailable,
  type Clock,
  type Logger,
  type Storage,
} from "@teleport/plugin";
import { createMemoryStorage } from "../../../../core/storage/memory-storage.js";
import { clusterItems } from "../../../../core/storage/migration/compare.js";
import { StorageMover } from "../../../../core/storage/migration/mover.js";
import type { HostName, StoreSettings } from "../../../../core/storage/migration/records.js";
import type { MigrationTools } from "../../../../core/storage/migration/tools.js";

const IDENTITY_KEY = "/cluster_configuration/name";

/** Several stores by name, which any number of hosts may open; each keeps its data until the test ends. */
export class Stores {
  readonly #stores = new Map<string, Storage>();
  /** How often each store is open. */
  readonly open = new Map<string, number>();
  /** Stores that cannot be reached. */
  readonly away = new Set<string>();

  constructor(private readonly clock: Clock = systemClock) {}

  /** The store itself, beside every handle. */
  raw(name: string): Storage {
    let storage = this.#stores.get(name);
    if (!storage) this.#stores.set(name, (storage = createMemoryStorage(this.clock)));
    return storage;
  }

  settings(name: string): StoreSettings {
    return { type: name, settings: {} };
  }

  tools(host: string, more: Partial<MigrationTools> = {}): MigrationTools {
    return {
      open: (settings) => {
        if (this.away.has(settings.type))
          return Promise.reject(unavailable(`${settings.type} does not answer`));
        this.#count(settings.type, 1);
        let closed = false;
        return Promise.resolve({
          settings,
          storage: this.raw(settings.type),
          close: () => {
            if (!closed) this.#count(settings.type, -1);
            closed = true;
            return Promise.resolve();
          },
        });
      },
      identify,
      authServers: () => Promise.resolve([]),
      onServing: () => Promise.resolve(),
      onAborted: () => undefined,
      host: { id: `id-of-${host}`, name: host } satisfies HostName,
      clock: this.clock,
      log: silentLogger,
      ...more,
    };
  }

  /** A host that serves from a store. */
  async host(name: string, store: string, more: Partial<MigrationTools> = {}): Promise<StorageMover> {
    const first = await this.tools(name).open(this.settings(store));
    return StorageMover.start({ ...first, epoch: 0 }, this.tools(name, more));
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#stores.values()].map((storage) => storage.close()));
  }

  #count(name: string, by: number): void {
    this.open.set(name, (this.open.get(name) ?? 0) + by);
  }
}

/** A cluster in these tests is its name. */
async function identify(storage: Storage): Promise<{ id: string; name: string } | undefined> {
  try {
    const name = Buffer.from((await storage.get(IDENTITY_KEY)).value).toString();
    return { id: `id-of-${name}`, name };
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}

/** Gives a store a cluster with some items. */
export async function populate(storage: Storage, items = 200, cluster = "example"): Promise<void> {
  await storage.put({ key: IDENTITY_KEY, value: Buffer.from(cluster) });
  for (let n = 0; n < items; n++) {
    await storage.put({
      key: `/items/${String(n).padStart(5, "0")}`,
      value: Buffer.from(`value ${n}`),
      ...(n % 10 === 0 && { expires: new Date(Date.now() + 3_600_000) }),
    });
  }
}

/** The cluster's items of a store as `key=value`. */
export async function content(storage: Storage): Promise<string[]> {
  const lines: string[] = [];
  for await (const { key, value } of clusterItems(storage, {}))
    lines.push(`${key}=${Buffer.from(value).toString()}`);
  return lines;
}

/**
 * Writers that use every verb, each on keys of its own, and remember what was acknowledged. No call may fail while the
 * cluster moves; in the end the store must hold exactly what they remember.
 */
export class Writers {
  readonly #expected = new Map<string, string>();
  readonly #running: Promise<void>[] = [];
  #stopped = false;
  /** Acknowledged writes. */
  writes = 0;

  constructor(
    private readonly storages: readonly Storage[],
    count: number,
  ) {
    for (let n = 0; n < count; n++) {
      const running = this.#run(n);
      running.catch(() => undefined);
      this.#running.push(running);
    }
  }

  /** Ends the writers; throws what failed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Compares with what a store holds. */
  async check(storage: Storage): Promise<void> {
    const found = (await content(storage)).filter((line) => line.startsWith("/writer/"));
    const expected = [...this.#expected].map(([key, value]) => `${key}=${value}`);
    assert.deepEqual(found.sort(), expected.sort());
  }

  async #run(writer: number): Promise<void> {
    const storage = this.storages[writer % this.storages.length] as Storage;
    for (let n = 0; !this.#stopped; n++) {
      await this.#write(storage, `/writer/${writer}/${n % 7}`, n);
      this.writes++;
      await pause(0);
    }
  }

  async #write(storage: Storage, key: string, n: number): Promise<void> {
    const write = { key, value: Buffer.from(String(n)) };
    const known = this.#expected.get(key);
    if (known === undefined) {
      await storage.create(write);
    } else if (n % 5 === 0) {
      await storage.delete(key);
      this.#expected.delete(key);
      return;
    } else {
      const item = await storage.get(key);
      assert.equal(Buffer.from(item.value).toString(), known, `${key} as it is read`);
      // Long enough for a move to come between the read and the write now and then.
      if (n % 3 === 0) await pause(1);
      await (n % 2 === 0 ? storage.compareAndSwap(write, item.revision) : storage.put(write));
    }
    this.#expected.set(key, String(n));
  }
}

/** A logger that keeps what it is given. */
export function keepingLog(lines: string[]): Logger {
  const add = (message: string): void => void lines.push(message);
  return { ...silentLogger, info: add, warn: add, error: add, child: () => keepingLog(lines) };
}
