/** Moves of the cluster to another storage, as this process leads them: audited, counted and told about. */
import { randomUUID } from "node:crypto";
import type { AuditLog } from "../audit/audit-log.js";
import { auditEvent } from "../audit/catalogue.js";
import { badParameter, errorChain, errorMessage, unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { StorageMove } from "../resources/storage-status.js";
import { sameSettings } from "../storage/migration/find-cluster.js";
import type { MoverStatus } from "../storage/migration/mover.js";
import type {
  LastMove,
  MigrationRecord,
  MigrationReport,
  StoreSettings,
} from "../storage/migration/records.js";
import { settingsText } from "../storage/migration/settings-text.js";
import type { ClusterStorage } from "./cluster-storage.js";
import type { Host } from "./host.js";
import type { Metrics } from "./metrics.js";

/** How long the end of the daemon waits for a move that it rolls back. */
const CLOSE_MS = 5_000;
const POLL_MS = 250;

/** Who wants a move: `by` is a user, where a user does; `through` is what they used. */
export interface AskedBy {
  readonly by?: string | undefined;
  readonly through: "tctl" | "reload" | "start";
}

/** A move that this process leads. */
export interface RunningMove {
  readonly id: string;
  /** Resolves when all checks have passed and the move is on record. */
  readonly begun: Promise<void>;
  /** What came of it; fails with what was in the way. */
  readonly done: Promise<MigrationReport>;
}

/** What {@link StorageMoves} works with. */
export interface StorageMovesContext {
  readonly cluster: ClusterStorage;
  readonly audit: Pick<AuditLog, "emit">;
  readonly metrics: Metrics;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Leads moves, one at a time. */
export class StorageMoves {
  /** The last move that this process was asked for, while or where it is on no record. */
  #unrecorded: StorageMove | undefined;
  #running: RunningMove | undefined;
  /** Resolves when the start of the running move is audited. */
  #audited: Promise<void> = Promise.resolve();

  constructor(private readonly context: StorageMovesContext) {}

  /** Goes on with what the last run of this host has left. */
  async begin(): Promise<void> {
    const { cluster, log } = this.context;
    const { configured, completed, moveOn } = cluster;
    cluster.onAborted = (record) => void this.#tellAborted(record);
    if (cluster.mover.rolledBack) await this.#tellAborted(cluster.mover.rolledBack);
    if (completed) {
      const { id, target } = completed.record;
      const kinds = { from: completed.from, to: target.type, asked_by: "start" };
      await this.#emit(auditEvent("storageMoveEnd", "success", { ...kinds, id }));
    }
    if (!moveOn) return;
    log.warn(`moving the cluster to the storage that teleport.yaml names: ${settingsText(configured)}`);
    // What goes wrong is told; the cluster is served meanwhile.
    await this.start(configured, { through: "start" }).catch(() => undefined);
  }

  /** Starts a move. Throws `bad_parameter` where the cluster is there already, or is being moved by this process. */
  async start(target: StoreSettings, asked: AskedBy): Promise<RunningMove> {
    const { cluster, clock, host } = this.context;
    const { settings: from } = cluster.mover.storage.current;
    if (this.#running) throw badParameter("the cluster is being moved already: see tctl storage status");
    if (sameSettings(target, from)) {
      throw badParameter(`the cluster is in this storage already: ${settingsText(from)}`);
    }
    const id = randomUUID();
    const now = clock.now().toISOString();
    const checking: StorageMove = {
      ...{ id, phase: "checking", target: settingsText(target), leader: host.name, copied: 0 },
      ...{ started_at: now, changed_at: now },
    };
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const kinds = { from: from.type, to: target.type, asked_by: asked.through };
    // Reserved before the first wait, so that two cannot start at once.
    const move: RunningMove = { id, begun, done: this.#lead(target, checking, kinds, asked.by, begin) };
    this.#running = move;
    move.done.catch(() => undefined).finally(() => (this.#running = undefined));
    await Promise.race([this.#audited, move.done]);
    return move;
  }

  async #lead(
    target: StoreSettings,
    checking: StorageMove,
    kinds: { readonly from: string; readonly to: string; readonly asked_by: string },
    user: string | undefined,
    begun: () => void,
  ): Promise<MigrationReport> {
    const { cluster, audit, metrics, clock, log } = this.context;
    const { id } = checking;
    this.#unrecorded = checking;
    let isBegun = false;
    try {
      this.#audited = audit.emit(auditEvent("storageMoveStart", "success", { ...kinds, user }));
      await this.#audited;
      const report = await cluster.mover.migrate(target, {
        id,
        begun: () => {
          isBegun = true;
          this.#unrecorded = undefined;
          begun();
        },
      });
      metrics.storageMoved("moved");
      const { items, pauseMs: pause_ms } = report;
      await this.#emit(auditEvent("storageMoveEnd", "success", { ...kinds, id, items, pause_ms }));
      return report;
    } catch (error) {
      const reason = errorMessage(error);
      if (!isBegun) {
        const changed_at = clock.now().toISOString();
        this.#unrecorded = { ...checking, phase: "refused", changed_at, reason };
      }
      metrics.storageMoved("failed");
      log.error(`the cluster stays in the ${kinds.from} storage: ${reason}; see tctl storage status`, {
        error: errorChain(error),
      });
      await this.#emit(
        auditEvent("storageMoveEnd", "failure", {
          ...kinds,
          id: isBegun ? id : undefined,
          error: reason,
        }),
      );
      throw error;
    }
  }

  /**
   * Waits for a move to the same storage that another auth server leads. False where there is none; throws `unavailable`
   * where it is aborted.
   */
  async join(target: StoreSettings): Promise<boolean> {
    const { cluster, clock } = this.context;
    const { mover } = cluster;
    const { record } = await mover.status();
    if (!record || ENDED.has(record.phase) || !sameSettings(record.target, target)) return false;
    while (!sameSettings(mover.storage.current.settings, target)) {
      const now = (await mover.status()).record;
      if (now?.id === record.id && now.phase === "aborted") {
        throw unavailable(`the cluster stays where it is: ${now.reason ?? "the move was aborted"}`);
      }
      await clock.sleep(POLL_MS);
    }
    return true;
  }

  /** Ends the move that is under way, whoever leads it. Throws `bad_parameter` where there is none to end. */
  async abort(user?: string): Promise<void> {
    const { cluster } = this.context;
    await cluster.mover.abort(user === undefined ? "an administrator ended it" : `${user} ended it`);
    await this.#emit(auditEvent("storageMoveAbort", "success", { user }));
  }

  /** The move that is under way, or the last one that is known. */
  move({ record, lastMove }: MoverStatus): StorageMove | undefined {
    const known = [this.#unrecorded, record && recordedMove(record), lastMove && this.#past(lastMove)];
    const underWay = known.find((move) => move && !ENDED.has(move.phase));
    if (underWay) return underWay;
    return known.reduce((a, b) => (a && (!b || a.changed_at >= b.changed_at) ? a : b), undefined);
  }

  /** Rolls back what is under way, and waits for that a little. */
  async close(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    const { cluster, clock } = this.context;
    await cluster.mover.abort("this auth server is ending").catch(() => undefined);
    const ended = new AbortController();
    await Promise.race([
      running.done.catch(() => undefined),
      clock.sleep(CLOSE_MS, ended.signal).catch(() => undefined),
    ]);
    ended.abort();
  }

  #past(last: LastMove): StorageMove {
    const { settings } = this.context.cluster.mover.storage.current;
    return {
      ...{ id: last.id, phase: "committed", target: settingsText(settings), leader: last.leader.name },
      ...{ started_at: last.startedAt, changed_at: last.finishedAt, copied: last.items + last.rewrites },
      report: {
        ...{ from: last.from, to: last.to, items: last.items, bytes: last.bytes, rewrites: last.rewrites },
        ...{ pause_ms: last.pauseMs, total_ms: last.totalMs },
      },
    };
  }

  async #tellAborted({ id, target, reason }: MigrationRecord): Promise<void> {
    const from = this.context.cluster.mover.storage.current.settings.type;
    await this.#emit(
      auditEvent("storageMoveEnd", "failure", {
        id,
        from,
        to: target.type,
        asked_by: "start",
        error: reason,
      }),
    );
  }

  /** Nothing can be taken back any more: an event that is lost is logged. */
  async #emit(event: Parameters<AuditLog["emit"]>[0]): Promise<void> {
    try {
      await this.context.audit.emit(event);
    } catch (error) {
      this.context.log.error("what came of a move to another storage could not be audited", {
        error: errorChain(error),
      });
    }
  }
}

const ENDED: ReadonlySet<string> = new Set(["refused", "aborted", "committed"]);

function recordedMove(record: MigrationRecord): StorageMove {
  const { id, phase, leader, startedAt, changedAt, copied, reason } = record;
  return {
    ...{ id, phase, target: settingsText(record.target), leader: leader.name, copied },
    ...{ started_at: startedAt, changed_at: changedAt },
    ...(reason !== undefined && { reason }),
  };
}
