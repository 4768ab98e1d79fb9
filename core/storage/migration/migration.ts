/** One move of a cluster from the store that serves to another, as its leader runs it. */
import { randomUUID } from "node:crypto";
import { errorMessage, hasCode, internal, unavailable, type Item } from "@teleport/plugin";
import type { ServingStore, SwitchableStorage } from "../switchable-storage.js";
import { abortRecord } from "./abort.js";
import { compareStores } from "./compare.js";
import { Copier } from "./copier.js";
import type { StoreLease } from "./lease.js";
import { LEADER_LEASE_MS, LedRecord } from "./led-record.js";
import { LEASE_MS, SKEW_MS } from "./members.js";
import { OtherHosts } from "./other-hosts.js";
import {
  encode,
  LAST_MOVE_KEY,
  readMark,
  RECORD_KEY,
  type ClusterIdentity,
  type LastMove,
  type MigrationPhase,
  type MigrationRecord,
  type MigrationReport,
  type StoreMark,
  type StoreSettings,
} from "./records.js";
import { giveBack, markServing, MigrationTarget } from "./target.js";
import type { MigrationTools, OpenStore } from "./tools.js";
import { within } from "./within.js";

/** How long the other auth services may take to open the target; one that has just died is waited for, too. */
const PREPARE_MS = LEASE_MS + SKEW_MS + 10_000;
/** How long each part of the time may take in which writes are held back before the commit. */
const FREEZE_MS = 10_000;
/** So few changes are left for the time in which writes are held back. */
const FEW = 32;
/** How long one attempt to commit may take; it is repeated until there is an answer. */
const COMMIT_MS = 1_000;

/** The target with what its mark says while it is filled. */
interface Claim {
  readonly target: MigrationTarget;
  readonly mark: StoreMark;
}

/** A move that is under way in this process. */
export class Migration {
  readonly #abort = new AbortController();
  #ended = false;
  /** Whether the commit may be stored without this process knowing. */
  #undecided = false;
  readonly #source: ServingStore;
  readonly #others: OtherHosts;
  readonly #startedAt: Date;
  readonly #began = performance.now();
  #copier: Copier | undefined;
  #record: LedRecord | undefined;

  constructor(
    private readonly handle: SwitchableStorage,
    private readonly lease: StoreLease,
    private readonly settings: StoreSettings,
    private readonly tools: MigrationTools,
    readonly id: string = randomUUID(),
  ) {
    this.#source = handle.current;
    this.#others = new OtherHosts(id, this.#source, tools);
    this.#startedAt = tools.clock.now();
  }

  /** Items written to the target so far. */
  get copied(): number {
    return this.#copier?.writes ?? 0;
  }

  /** The phase that is stored; undefined before anything is. */
  get phase(): MigrationPhase | undefined {
    return this.#record?.value.phase;
  }

  /** Ends the migration before its commit; {@link run} then throws the reason. Without effect afterwards. */
  abort(reason: string): void {
    this.#abort.abort(unavailable(`the migration was aborted: ${reason}`));
  }

  /** Aborts the migration, or gives up waiting for the answer to its commit, since the process ends. */
  end(): void {
    this.#ended = true;
    this.abort("this auth server is ending");
  }

  /**
   * Moves the cluster and returns when the target serves. Throws what was in the way; the source then serves on, and
   * nothing is left of the migration but its record, which says why. `begun` is called when everything that can be
   * checked has been, and the record is there.
   */
  async run(begun: () => void): Promise<MigrationReport> {
    const { log } = this.tools;
    const target = await this.tools.open(this.settings);
    let claim: Claim;
    try {
      claim = await this.#begin(target);
    } catch (error) {
      await target.close();
      throw error;
    }
    try {
      await this.#claim(claim);
      begun();
      const report = await this.#move(target, claim);
      log.info("the cluster has moved to another storage", { ...report });
      return report;
    } catch (error) {
      // What the next start finds in the source decides.
      if (this.#undecided) await target.close();
      else if (this.phase !== "committed") await this.#rollBack(target, error);
      throw error;
    }
  }

  /** Checks everything that can be checked, then takes the right to move the cluster: two may want to. */
  async #begin(target: OpenStore): Promise<Claim> {
    const { identify, clock } = this.tools;
    const { storage } = this.#source;
    const cluster = await identify(storage);
    if (!cluster) throw internal("the storage that serves holds no cluster");
    await this.#others.refuseOutsiders();
    const checked = await MigrationTarget.check(target.storage, this.#source, cluster, identify);
    try {
      this.#record = await LedRecord.begin(storage, clock, this.#firstRecord());
    } catch (error) {
      // Where the answer was lost, the record may be there.
      await abortRecord(storage, this.id, errorMessage(error), this.tools).catch(() => undefined);
      throw error;
    }
    return { target: checked, mark: this.#mark(cluster) };
  }

  /** Takes the target, and tells the others that they may open it. */
  async #claim({ target, mark }: Claim): Promise<void> {
    const record = this.#record as LedRecord;
    record.assertLed();
    await target.mark(mark);
    record.assertLed();
    await target.wipe();
    await record.step({ claimed: true }, LEADER_LEASE_MS);
  }

  async #move(target: OpenStore, claim: Claim): Promise<MigrationReport> {
    const { handle } = this;
    const record = this.#record as LedRecord;
    const signal = AbortSignal.any([this.#abort.signal, record.lost]);
    const nowMs = (): number => this.tools.clock.now().getTime();
    const assertLed = (): void => record.assertLed();
    const copier = new Copier({
      source: this.#source.storage,
      target: target.storage,
      nowMs,
      signal,
      assertLed,
    });
    this.#copier = copier;
    const marker = new Marker(record);
    const unobserve = handle.observe((touched) => copier.note(touched));
    const stopWatch = new AbortController();
    let begun: () => void = () => undefined;
    const watching = new Promise<void>((resolve) => (begun = resolve));
    const followed = copier.follow(
      this.#source.storage.watch([""], { signal: AbortSignal.any([signal, stopWatch.signal]) }),
      { begun, seen: (item) => marker.see(item) },
    );
    followed.catch((error: unknown) => this.abort(`the storage cannot be watched: ${errorMessage(error)}`));
    try {
      await this.#others.acknowledged("copying", PREPARE_MS, signal);
      await within(PREPARE_MS, watching, "the watch of the storage did not begin");
      await copier.copyAll();
      record.copied(copier.writes);
      await copier.catchUp(FEW);
      record.copied(copier.writes);
      const nothingNew = await compareStores(this.#source.storage, target.storage, {
        nowMs: nowMs(),
        signal,
      });
      for (const key of nothingNew.differing) void copier.note(key);
      await copier.catchUp(FEW);
      record.copied(copier.writes);
      // One may have come since; it would go on writing to the old store.
      await this.#others.refuseOutsiders();
      const pausedAt = performance.now();
      const others = await this.#freeze(marker, signal);
      const lastChanges = this.#finish(copier, claim);
      await within(FREEZE_MS, lastChanges, "the target did not take the last changes");
      signal.throwIfAborted();
      await this.#commit();
      const store = { ...target, epoch: claim.mark.epoch };
      await handle.switchTo(store, { othersWrite: others > 0 });
      await this.lease.moveTo(store);
      if (others > 0) await this.#others.wentOver(store);
      handle.thaw(this.id);
      const pauseMs = performance.now() - pausedAt;
      const report: MigrationReport = {
        id: this.id,
        from: this.#source.settings.type,
        to: this.settings.type,
        items: nothingNew.items,
        bytes: copier.bytes,
        rewrites: Math.max(copier.writes - nothingNew.items, 0),
        pauseMs: Math.round(pauseMs),
        totalMs: Math.round(performance.now() - this.#began),
        finishedAt: this.tools.clock.now().toISOString(),
      };
      await this.#settle(store, report);
      return report;
    } finally {
      unobserve();
      stopWatch.abort();
      await record.stop();
    }
  }

  /** Holds back writes everywhere. Returns the number of other members; all their changes are noted then. */
  async #freeze(marker: Marker, signal: AbortSignal): Promise<number> {
    await this.#step("freezing");
    await within(FREEZE_MS, this.handle.freeze(this.id), "writes that were under way did not end");
    // Read after the step: who has come since the copy began is among them, or has seen the step.
    const others = await this.#others.acknowledged("freezing", FREEZE_MS, signal);
    await this.#step("frozen");
    // Every change of the others comes before this one.
    if (others > 0) {
      await within(FREEZE_MS, marker.seen(), "the changes of other auth servers did not arrive");
    }
    return others;
  }

  /** Copies the last changes. */
  async #finish(copier: Copier, { target, mark }: Claim): Promise<void> {
    await copier.catchUp(0);
    (this.#record as LedRecord).assertLed();
    await target.mark({ ...mark, phase: "ready" });
  }

  /** Decides. While the store does not say whether it took the decision, writes wait: both answers may be true. */
  async #commit(): Promise<void> {
    this.#undecided = true;
    for (let attempt = 1; !this.#ended; attempt++) {
      try {
        await this.#step("committed", COMMIT_MS);
        break;
      } catch (error) {
        this.#undecided = hasCode(error, "unavailable");
        if (!this.#undecided) throw error;
        if (attempt > 1) continue;
        this.tools.log.error(
          "the storage does not answer at the commit of the migration: writes wait for it",
        );
      }
    }
    if (this.phase !== "committed") {
      throw unavailable("this auth server ended before the storage said whether the migration is committed");
    }
    this.#undecided = false;
  }

  async #step(phase: MigrationPhase, patienceMs = LEADER_LEASE_MS): Promise<void> {
    const changedAt = this.tools.clock.now().toISOString();
    await (this.#record as LedRecord).step({ phase, changedAt }, patienceMs);
  }

  /** After the commit nothing can undo it: what fails here is made good at the next start. */
  async #settle(store: ServingStore, report: MigrationReport): Promise<void> {
    const startedAt = this.#startedAt.toISOString();
    const lastMove: LastMove = { version: 1, leader: this.tools.host, startedAt, ...report };
    try {
      const mark = await readMark(store.storage);
      if (mark?.value.id === this.id) await markServing(store.storage, mark);
      await store.storage.put({ key: LAST_MOVE_KEY, value: encode(lastMove) });
      await this.tools.onServing(store);
    } catch (error) {
      this.tools.log.warn(`the move is done, but not all of it is written down: ${errorMessage(error)}`);
    }
  }

  async #rollBack(target: OpenStore, cause: unknown): Promise<void> {
    const { log } = this.tools;
    // Nobody but this leader could have committed, and it will not any more.
    this.handle.thaw(this.id);
    log.warn(`the move to another storage was rolled back: ${errorMessage(cause)}`);
    try {
      await (this.#record as LedRecord).stop();
      await abortRecord(this.#source.storage, this.id, errorMessage(cause), this.tools);
    } catch (error) {
      log.warn(`the aborted migration is still on record until it runs out: ${errorMessage(error)}`);
    }
    try {
      await giveBack(target.storage, this.id);
    } catch (error) {
      log.warn(`what was copied is still in the target: ${errorMessage(error)}`);
    }
    await target.close();
  }

  #mark(cluster: ClusterIdentity): StoreMark {
    return {
      version: 1,
      id: this.id,
      epoch: this.#source.epoch + 1,
      phase: "filling",
      cluster,
      source: this.#source.settings,
    };
  }

  #firstRecord(): MigrationRecord {
    const startedAt = this.#startedAt.toISOString();
    return {
      version: 1,
      id: this.id,
      epoch: this.#source.epoch + 1,
      phase: "copying",
      leader: this.tools.host,
      untilMs: 0,
      startedAt,
      changedAt: startedAt,
      target: this.settings,
      claimed: false,
      copied: 0,
    };
  }
}

/** Waits until the watch of the source shows the record in phase `frozen`. */
class Marker {
  #resolve: () => void = () => undefined;
  readonly #seen = new Promise<void>((resolve) => (this.#resolve = resolve));

  constructor(private readonly record: LedRecord) {}

  see(item: Item): void {
    if (item.key !== RECORD_KEY) return;
    const { id, phase } = JSON.parse(Buffer.from(item.value).toString()) as Partial<MigrationRecord>;
    if (id === this.record.value.id && phase === "frozen") this.#resolve();
  }

  seen(): Promise<void> {
    return this.#seen;
  }
}
