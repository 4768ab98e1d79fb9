/** This host's part in where the cluster is kept: it leads a migration, or follows one. */
import { badParameter, errorMessage, type Storage, type StorageEvent } from "@teleport/plugin";
import { SwitchableStorage, type ServingStore } from "../switchable-storage.js";
import { abortRecord } from "./abort.js";
import { Follower } from "./follower.js";
import { StoreLease } from "./lease.js";
import { listMembers, type Member } from "./members.js";
import { Migration } from "./migration.js";
import {
  parseRecord,
  readLastMove,
  readRecord,
  RECORD_KEY,
  type LastMove,
  type MigrationRecord,
  type MigrationReport,
  type StoreSettings,
} from "./records.js";
import { giveBack } from "./target.js";
import type { MigrationTools } from "./tools.js";

/** How long a store that was left stays open: for running reads, and for revisions that callers hold. */
const RETIRE_MS = 60_000;
const RETRY_MS = 1_000;

/** Where the cluster is kept, and what moves. */
export interface MoverStatus {
  readonly store: ServingStore;
  readonly members: readonly Member[];
  /** Of the store that serves; also of a migration that was aborted. */
  readonly record?: MigrationRecord | undefined;
  /** How the cluster came into the store that serves. */
  readonly lastMove?: LastMove | undefined;
}

/** Keeps the cluster's storage exchangeable. It and the storage may be closed in any order. */
export class StorageMover {
  readonly storage: SwitchableStorage;
  readonly #lease: StoreLease;
  readonly #follower: Follower;
  readonly #closing = new AbortController();
  /** Ends the watch of the store that is being left. */
  #left = new AbortController();
  #migration: Migration | undefined;
  #rolledBack: MigrationRecord | undefined;

  private constructor(
    first: ServingStore,
    private readonly tools: MigrationTools,
  ) {
    this.#lease = new StoreLease(tools);
    this.storage = new SwitchableStorage(first, this.#lease);
    this.#follower = new Follower(this.storage, this.#lease, tools, (left) => this.#leave(left));
  }

  /** Takes this host's place in the store and follows its record from now on. */
  static async start(first: ServingStore, tools: MigrationTools): Promise<StorageMover> {
    const mover = new StorageMover(first, tools);
    await mover.#lease.hold(first);
    await mover.#tidyUp(first);
    void mover.#followForever();
    return mover;
  }

  /** What this host was leading when it died, and has rolled back at this start. */
  get rolledBack(): MigrationRecord | undefined {
    return this.#rolledBack;
  }

  /**
   * Moves the cluster. Throws what was in the way, with the cluster where it was. `begun` is called when
   * everything that can be checked has been, and the migration is on record under its `id`.
   */
  async migrate(
    target: StoreSettings,
    { id, begun = () => undefined }: { readonly id?: string; readonly begun?: () => void } = {},
  ): Promise<MigrationReport> {
    if (this.#migration) throw badParameter("the cluster is being moved already: see tctl storage status");
    const left = this.storage.current;
    const migration = new Migration(this.storage, this.#lease, target, this.tools, id);
    this.#migration = migration;
    try {
      const report = await migration.run(begun);
      this.#leave(left);
      return report;
    } finally {
      this.#migration = undefined;
    }
  }

  /** Ends the migration that is under way, whoever leads it. Throws `bad_parameter` where there is none to end. */
  async abort(reason: string): Promise<void> {
    const { storage } = this.storage.current;
    const record = (await readRecord(storage))?.value;
    if (!record || record.phase === "aborted" || record.phase === "committed") {
      if (!this.#migration) throw badParameter("no migration is under way");
      this.#migration.abort(reason);
      return;
    }
    if (record.id === this.#migration?.id) this.#migration.abort(reason);
    else await abortRecord(storage, record.id, reason, this.tools);
  }

  /** Where the cluster is kept, and what moves. */
  async status(): Promise<MoverStatus> {
    const store = this.storage.current;
    const record = (await readRecord(store.storage))?.value;
    return {
      store,
      members: await listMembers(store.storage),
      record:
        record && record.id === this.#migration?.id ? { ...record, copied: this.#migration.copied } : record,
      lastMove: await readLastMove(store.storage),
    };
  }

  /** Stops leading and following; the storage itself stays open. */
  async close(): Promise<void> {
    this.#migration?.end();
    this.#closing.abort();
    this.#lease.end();
    await this.#follower.close();
  }

  /** Puts an end to a migration that this host led when it died. */
  async #tidyUp({ storage }: ServingStore): Promise<void> {
    const { host, log } = this.tools;
    const record = (await readRecord(storage))?.value;
    const open = record && record.phase !== "aborted" && record.phase !== "committed";
    if (!open || record.leader.id !== host.id) return;
    const ended = await abortRecord(storage, record.id, "this auth server was restarted", this.tools);
    if (ended.phase !== "aborted") return;
    this.#rolledBack = ended;
    log.warn(
      `the move to ${record.target.type} that was interrupted is rolled back: start it again if it is still wanted`,
    );
    try {
      const target = await this.tools.open(record.target);
      await giveBack(target.storage, record.id).finally(() => target.close());
    } catch (error) {
      log.warn(`what was copied is still in the target: ${errorMessage(error)}`);
    }
  }

  /** Looks at the raw store: the switchable one ends its watches with the record that this is about. */
  async #followForever(): Promise<void> {
    const closing = this.#closing.signal;
    while (!closing.aborted) {
      const { storage } = this.storage.current;
      this.#left = new AbortController();
      const signal = AbortSignal.any([closing, this.#left.signal]);
      try {
        const events = storage.watch([RECORD_KEY], { signal });
        await this.#react((await readRecord(storage))?.value);
        if (!signal.aborted) for await (const event of events) await this.#reactTo(event, storage);
      } catch (error) {
        if (!signal.aborted) {
          this.tools.log.warn(`the storage's migrations cannot be followed: ${errorMessage(error)}`);
        }
      }
      if (!signal.aborted) await this.tools.clock.sleep(RETRY_MS, closing).catch(() => undefined);
    }
  }

  async #reactTo(event: StorageEvent, storage: Storage): Promise<void> {
    if (event.type === "put") await this.#react(parseRecord(event.item.value));
    else if (event.type === "reset") await this.#react((await readRecord(storage))?.value);
  }

  async #react(record: MigrationRecord | undefined): Promise<void> {
    if (record && record.leader.id !== this.tools.host.id) await this.#follower.react(record);
  }

  /** Turns to the store that serves now; the one that was left is closed later. */
  #leave(left: ServingStore): void {
    this.#left.abort();
    this.#retireLater(left);
  }

  #retireLater(left: ServingStore): void {
    const { clock, log } = this.tools;
    clock
      .sleep(RETIRE_MS, this.#closing.signal)
      .catch(() => undefined)
      .then(() => this.storage.retire(left))
      .catch((error: unknown) => log.warn(`the storage that was left did not close: ${errorMessage(error)}`));
  }
}
