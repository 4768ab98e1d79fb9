/** What administrators do with the cluster's storage, through tctl and by a reload. */
import type { AuditLog } from "../audit/audit-log.js";
import type { StorageAdmin } from "../auth/storage-admin.js";
import type { PositionedNode } from "../document/positioned.js";
import type {
  ConfigurationFile,
  StartedMove,
  StorageMember,
  StorageStatus,
  StorageVerification,
} from "../resources/storage-status.js";
import { sameSettings } from "../storage/migration/find-cluster.js";
import { isAlive } from "../storage/migration/members.js";
import type { StoreSettings } from "../storage/migration/records.js";
import { settingsText } from "../storage/migration/settings-text.js";
import { checkedConfiguration, type CheckedConfiguration } from "./checked-configuration.js";
import { configuredStore, type ClusterStorage } from "./cluster-storage.js";
import { changedKeys } from "./reload/changed-keys.js";
import { isStorageKey } from "./reload/plan.js";
import type { PluginBase } from "./running-plugins.js";
import { StorageMoves } from "./storage-moves.js";
import { StorageVerifier } from "./storage-verifier.js";

/** Shorter than clients wait for an answer. */
const ANSWER_MS = 15_000;

/** What {@link ProcessStorageAdmin} works with. */
export interface StorageAdminContext extends PluginBase {
  readonly cluster: ClusterStorage;
  readonly audit: Pick<AuditLog, "emit">;
  /** teleport.yaml as the daemon runs with it; absent without one. */
  readonly running: PositionedNode | undefined;
}

/** The storage of a cluster that this process serves. */
export class ProcessStorageAdmin implements StorageAdmin {
  readonly #moves: StorageMoves;
  readonly #verifier: StorageVerifier;

  constructor(private readonly context: StorageAdminContext) {
    this.#moves = new StorageMoves(context);
    this.#verifier = new StorageVerifier(context);
  }

  /** Goes on with what the last run of this host has left. */
  begin(): Promise<void> {
    return this.#moves.begin();
  }

  async start(file: ConfigurationFile, by?: string): Promise<StartedMove> {
    const { clock, running } = this.context;
    const { settings, tree } = await this.#checked(file);
    const target = configuredStore(settings);
    const move = await this.#moves.start(target, { by, through: "tctl" });
    const answered = new AbortController();
    await Promise.race([
      move.begun,
      move.done,
      clock.sleep(ANSWER_MS, answered.signal).catch(() => undefined),
    ]).finally(() => answered.abort());
    return {
      id: move.id,
      target: settingsText(target),
      not_applied: changedKeys(running, tree)
        .map(({ key }) => key)
        .filter((key) => !isStorageKey(key)),
    };
  }

  /** Where the cluster is. */
  get current(): StoreSettings {
    return this.context.cluster.mover.storage.current.settings;
  }

  /** Takes note of what teleport.yaml says now. */
  configured(settings: StoreSettings): void {
    this.context.cluster.configured = settings;
  }

  /**
   * Moves the cluster and returns when it is there; where another auth server is moving it there, waits for that. Throws what
   * was in the way, with the cluster where it was.
   */
  async reload(target: StoreSettings): Promise<void> {
    if (await this.#moves.join(target)) return;
    const { done } = await this.#moves.start(target, { through: "reload" });
    await done;
  }

  async status(): Promise<StorageStatus> {
    const { cluster, clock, host } = this.context;
    const status = await cluster.mover.status();
    const { settings, epoch } = status.store;
    const move = this.#moves.move(status);
    const members = status.members.map((member): StorageMember => {
      const follows = member.ack?.id === move?.id ? member.ack : undefined;
      return {
        ...{ id: member.host.id, name: member.host.name, alive: isAlive(member, clock) },
        ...(follows && { follows: follows.phase }),
        ...(follows?.problem !== undefined && { problem: follows.problem }),
      };
    });
    return {
      server: host.name,
      backend: settings.type,
      settings: settingsText(settings),
      epoch,
      ...(status.lastMove && { since: status.lastMove.finishedAt }),
      ...(!sameSettings(cluster.configured, settings) && { edit: storageEdit(settings) }),
      members,
      ...(move && { move }),
    };
  }

  abort(by?: string): Promise<void> {
    return this.#moves.abort(by);
  }

  async verify(against?: ConfigurationFile): Promise<StorageVerification> {
    const other = against && configuredStore((await this.#checked(against)).settings);
    return this.#verifier.start(other);
  }

  verification(id: string): Promise<StorageVerification> {
    return Promise.resolve(this.#verifier.find(id));
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#verifier.close();
    await this.#moves.close();
  }

  #checked(file: ConfigurationFile): Promise<CheckedConfiguration> {
    return checkedConfiguration(file, this.context);
  }
}

/** What to write into teleport.yaml where the cluster has moved. */
export function storageEdit(settings: StoreSettings): string {
  return `set teleport.storage to ${settingsText(settings)}`;
}
