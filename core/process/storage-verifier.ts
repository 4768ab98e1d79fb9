/** Reads the whole storage while it serves, and compares it with another one. */
import { createHash, randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { errorChain, errorMessage, hasCode, limitExceeded, notFound } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Item, Storage } from "../plugin/storage.js";
import type { StorageVerification, StoredKindCount } from "../resources/storage-status.js";
import { shownKey, storedKind } from "../resources/stored-kinds.js";
import { clusterItems, compareStores, digestItem } from "../storage/migration/compare.js";
import type { StoreSettings } from "../storage/migration/records.js";
import { settingsText } from "../storage/migration/settings-text.js";
import type { OpenStore } from "../storage/migration/tools.js";
import type { ClusterStorage } from "./cluster-storage.js";

/** Longest list of damaged items, and of differing ones. */
const SHOWN = 100;
/** Items decoded in one turn of the event loop. */
const IN_ONE_TURN = 32;
/** A write may be in one store and on its way to the other: what differs is looked at again, this often, this far apart. */
const LOOKS = 4;
const LOOK_AGAIN_MS = 500;

/** What {@link StorageVerifier} works with. */
export interface StorageVerifierContext {
  readonly cluster: ClusterStorage;
  readonly clock: Clock;
  readonly log: Logger;
}

type State = { -readonly [K in keyof StorageVerification]: StorageVerification[K] };

/** Verifies, once at a time, and remembers the last verification. */
export class StorageVerifier {
  readonly #closing = new AbortController();
  #state: State | undefined;

  constructor(private readonly context: StorageVerifierContext) {}

  /**
   * Starts. Without `against` the storage is compared with the target of a move that is under way, if there is one. Throws
   * `limit_exceeded` while a verification runs, and what opening the other storage says.
   */
  async start(against?: StoreSettings): Promise<StorageVerification> {
    if (this.#state && !this.#state.done) {
      throw limitExceeded("this auth server is verifying the storage already: wait until it is done");
    }
    const { cluster, log } = this.context;
    const { storage, settings } = cluster.mover.storage.current;
    const state: State = {
      ...{ id: randomUUID(), done: false, backend: settings.type, items: 0, bytes: 0, kinds: [], digest: "" },
      ...{ damaged: [], damaged_items: 0, differing: [], differing_items: 0 },
    };
    this.#state = state;
    let other: OpenStore | undefined;
    try {
      const settingsOfOther = against ?? (await this.#targetUnderWay());
      if (settingsOfOther) {
        state.against = settingsText(settingsOfOther);
        other = await cluster.open(settingsOfOther);
      }
    } catch (error) {
      state.done = true;
      throw error;
    }
    void this.#run(state, storage, other).catch((error: unknown) => {
      log.warn(`the storage could not be verified: ${errorMessage(error)}`, { error: errorChain(error) });
    });
    return state;
  }

  /** A verification that was started here. Throws `not_found`. */
  find(id: string): StorageVerification {
    if (this.#state?.id !== id) throw notFound("this auth server does not know of this verification");
    return this.#state;
  }

  /** Ends what runs. */
  close(): void {
    this.#closing.abort();
  }

  async #targetUnderWay(): Promise<StoreSettings | undefined> {
    const { record } = await this.context.cluster.mover.status();
    const underWay = record && record.phase !== "aborted" && record.phase !== "committed";
    return underWay ? record.target : undefined;
  }

  async #run(state: State, storage: Storage, other: OpenStore | undefined): Promise<void> {
    try {
      await this.#read(state, storage);
      if (other) await this.#compare(state, storage, other.storage);
    } catch (error) {
      state.error = errorMessage(error);
      throw error;
    } finally {
      state.done = true;
      await other?.close();
    }
  }

  async #read(state: State, storage: Storage): Promise<void> {
    const hash = createHash("sha256");
    const counts = new Map<string, { items: number; bytes: number }>();
    const kinds = (): StoredKindCount[] =>
      [...counts].map(([kind, count]) => ({ kind, ...count })).sort((a, b) => (a.kind < b.kind ? -1 : 1));
    for await (const item of clusterItems(storage, this.#options())) {
      const kind = storedKind(item.key);
      const count = counts.get(kind.name) ?? { items: 0, bytes: 0 };
      count.items++;
      count.bytes += item.value.length;
      counts.set(kind.name, count);
      state.items++;
      state.bytes += item.value.length;
      digestItem(hash, item);
      const problem = problemOf(item);
      if (problem !== undefined) {
        state.damaged_items++;
        if (state.damaged.length < SHOWN) {
          state.damaged = [...state.damaged, { key: shownKey(item.key), problem }];
        }
      }
      if (state.items % IN_ONE_TURN === 0) {
        state.kinds = kinds();
        await turn();
      }
    }
    state.kinds = kinds();
    state.digest = hash.digest("hex");
  }

  async #compare(state: State, storage: Storage, other: Storage): Promise<void> {
    let { differing } = await compareStores(storage, other, this.#options());
    for (let look = 1; look < LOOKS && differing.length > 0; look++) {
      await this.context.clock.sleep(LOOK_AGAIN_MS, this.#closing.signal);
      const still: string[] = [];
      for (const key of differing) if (!(await isAlike(storage, other, key))) still.push(key);
      differing = still;
    }
    state.differing_items = differing.length;
    state.differing = differing.slice(0, SHOWN).map(shownKey);
  }

  #options(): { readonly nowMs: number; readonly signal: AbortSignal } {
    return { nowMs: this.context.clock.now().getTime(), signal: this.#closing.signal };
  }
}

/** Why an item cannot be read. Of one whose key may be a secret nothing more is told: its value may repeat the key. */
function problemOf({ key, value }: Item): string | undefined {
  const kind = storedKind(key);
  try {
    kind.decode(key, value);
    return undefined;
  } catch (error) {
    return kind.showsKey ? errorMessage(error) : `the stored ${kind.name} cannot be read`;
  }
}

async function isAlike(one: Storage, other: Storage, key: string): Promise<boolean> {
  const [a, b] = await Promise.all([found(one, key), found(other, key)]);
  if (!a || !b) return !a && !b;
  return Buffer.from(a.value).equals(b.value);
}

async function found(storage: Storage, key: string): Promise<Item | undefined> {
  try {
    return await storage.get(key);
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}
