import { errorMessage, unavailable } from "@teleport/plugin";
import type { ServingStore, SwitchableStorage } from "../switchable-storage.js";
import { abortRecord } from "./abort.js";
import type { StoreLease } from "./lease.js";
import { SKEW_MS } from "./members.js";
import { readMark, readRecord, type MigrationRecord } from "./records.js";
import type { MigrationTools, OpenStore } from "./tools.js";

const WATCHDOG_MS = 1_000;

/**
 * Follows migrations that another auth service leads: opens the target beforehand, holds back writes when told, goes over
 * with the others, and puts an end to a migration whose leader has died.
 */
export class Follower {
  readonly #closing = new AbortController();
  #target: { readonly id: string; readonly store: OpenStore } | undefined;
  #frozenFor: string | undefined;
  #reacting: Promise<void> = Promise.resolve();

  constructor(
    private readonly handle: SwitchableStorage,
    private readonly lease: StoreLease,
    private readonly tools: MigrationTools,
    /** Takes the store that was left. */
    private readonly onLeft: (store: ServingStore) => void,
  ) {}

  /** Brings this host to where the record says, after what it is doing for earlier ones. */
  react(record: MigrationRecord): Promise<void> {
    return this.#inTurn(() => this.#react(record));
  }

  #inTurn(reaction: () => Promise<void>): Promise<void> {
    const reacted = this.#reacting.then(reaction);
    this.#reacting = reacted.catch(() => undefined);
    return reacted;
  }

  async #react(record: MigrationRecord): Promise<void> {
    const { current } = this.handle;
    if (record.epoch <= current.epoch) return;
    switch (record.phase) {
      case "copying":
        return record.claimed ? this.#prepare(record) : undefined;
      case "freezing":
      case "frozen":
        return this.#freeze(record);
      case "aborted":
        return this.#release(record);
      case "committed":
        return this.#goOver(record, current);
    }
  }

  /** Lets writes go on where nobody leads any more, and closes what was opened. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#target?.store.close();
  }

  async #prepare(record: MigrationRecord): Promise<void> {
    const { id } = record;
    try {
      await this.#open(record);
      await this.lease.acknowledge({ id, phase: "copying" });
    } catch (error) {
      await this.lease.acknowledge({ id, phase: "copying", problem: errorMessage(error) });
    }
  }

  async #freeze(record: MigrationRecord): Promise<void> {
    const { id } = record;
    const before = this.#frozenFor;
    if (before !== id) {
      if (before !== undefined) {
        // A record of long ago may arrive late. One that has been replaced cannot be committed any more.
        if ((await readRecord(this.handle.current.storage))?.value.id === before) return;
        this.handle.thaw(before);
      }
      this.#frozenFor = id;
      await this.handle.freeze(id);
      void this.#watchLeader(record);
    }
    await this.lease.acknowledge({ id, phase: "freezing" });
  }

  async #release({ id }: Pick<MigrationRecord, "id">): Promise<void> {
    if (this.#frozenFor === id) {
      this.handle.thaw(id);
      this.#frozenFor = undefined;
    }
    if (this.#target?.id === id) {
      await this.#target.store.close();
      this.#target = undefined;
    }
  }

  async #goOver(record: MigrationRecord, left: ServingStore): Promise<void> {
    const { id, epoch } = record;
    // Nobody writes to the old store any more, whether this host was told in time or not.
    await this.handle.freeze(id);
    const store = { ...(await this.#open(record)), epoch };
    this.#target = undefined;
    await this.handle.switchTo(store, { othersWrite: true });
    await this.lease.moveTo(store, { id, phase: "committed" });
    if (this.#frozenFor !== undefined) this.handle.thaw(this.#frozenFor);
    this.#frozenFor = undefined;
    this.handle.thaw(id);
    this.tools.log.info("the cluster has moved to another storage", {
      from: left.settings.type,
      to: store.settings.type,
      leader: record.leader.name,
    });
    await this.tools.onServing(store).catch((error: unknown) => {
      this.tools.log.warn(`the move is done, but not all of it is written down: ${errorMessage(error)}`);
    });
    this.onLeft(left);
  }

  /** Opens the target, and makes sure that it is the leader's: a path may mean another disk on this host. */
  async #open({ id, target }: MigrationRecord): Promise<OpenStore> {
    if (this.#target?.id === id) return this.#target.store;
    await this.#target?.store.close();
    this.#target = undefined;
    const store = await this.tools.open(target);
    if (this.#closing.signal.aborted) await store.close();
    const mark = (await readMark(store.storage))?.value;
    if (mark?.id !== id) {
      await store.close();
      throw unavailable("the settings of the target lead to another store on this host");
    }
    this.#target = { id, store };
    return store;
  }

  /** A leader that has died in the freeze must not hold up writes: whoever notices decides, by the record. */
  async #watchLeader(freezing: MigrationRecord): Promise<void> {
    const { id } = freezing;
    const { clock, log } = this.tools;
    const signal = this.#closing.signal;
    while (this.#frozenFor === id && !signal.aborted) {
      await clock.sleep(WATCHDOG_MS, signal).catch(() => undefined);
      if (this.#frozenFor !== id || signal.aborted) return;
      try {
        const { storage } = this.handle.current;
        const record = (await readRecord(storage))?.value;
        if (record?.id !== id) {
          await this.#inTurn(() => this.#release({ id }));
          return;
        }
        const dead = record.untilMs + SKEW_MS < clock.now().getTime();
        const decided = record.phase === "aborted" || record.phase === "committed";
        if (decided) await this.react(record);
        else if (dead) {
          const ended = await abortRecord(storage, id, "its leader does not answer", this.tools);
          if (ended.phase === "aborted") this.tools.onAborted(ended);
          await this.react(ended);
        }
      } catch (error) {
        log.warn(`writes wait for a migration that has no leader: ${errorMessage(error)}`);
        if (await this.#isServedByTarget(id)) await this.react({ ...freezing, phase: "committed" });
      }
    }
  }

  /** Whether the target says that it serves: where the store that was left cannot be asked any more. */
  async #isServedByTarget(id: string): Promise<boolean> {
    if (this.#target?.id !== id) return false;
    const mark = await readMark(this.#target.store.storage).catch(() => undefined);
    return mark?.value.id === id && mark.value.phase === "serving";
  }
}
