/** Applies a changed teleport.yaml to the running daemon. */
import type { AuditLog } from "../../audit/audit-log.js";
import { auditEvent } from "../../audit/catalogue.js";
import type { PositionedNode } from "../../document/positioned.js";
import { badParameter, errorChain, errorMessage } from "../../errors/error.js";
import type { PluginHost } from "../../plugin/host.js";
import type { Logger } from "../../plugin/logger.js";
import type { ConfigurationFile } from "../../resources/storage-status.js";
import { checkedConfiguration } from "../checked-configuration.js";
import { configuredStore } from "../cluster-storage.js";
import type { Host } from "../host.js";
import type { Metrics } from "../metrics.js";
import type { ProcessStorageAdmin } from "../storage-admin.js";
import { planReload, type PlannedKey } from "./plan.js";

/** A wish to reload. */
export interface ReloadRequest {
  readonly file: ConfigurationFile;
  /** Only tells what would happen. */
  readonly dryRun: boolean;
}

/** Takes a line for the terminal of whoever asked. */
export type Say = (line: string) => void;

/** What {@link Reloads} works with. */
export interface ReloadsContext {
  /** teleport.yaml as the daemon was started with it. */
  readonly running: PositionedNode | undefined;
  readonly plugins: PluginHost;
  readonly host: Host;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Of a process with an auth service. */
  readonly auth:
    | {
        readonly storage: Pick<ProcessStorageAdmin, "current" | "configured" | "reload">;
        readonly audit: Pick<AuditLog, "emit">;
      }
    | undefined;
}

/** Reloads, one at a time. */
export class Reloads {
  #isRunning = false;

  constructor(private readonly context: ReloadsContext) {}

  /**
   * Reloads, and returns when everything that can be is applied. Throws what was in the way, with everything as it was:
   * `config` with every problem of the file, `bad_parameter` while another reload runs, or why the cluster cannot move.
   */
  async run(request: ReloadRequest, say: Say): Promise<void> {
    if (this.#isRunning) throw badParameter("another reload is running: wait for its end");
    this.#isRunning = true;
    try {
      if (request.dryRun) await this.#plan(request.file, say);
      else await this.#audited(request.file, say);
    } finally {
      this.#isRunning = false;
    }
  }

  async #audited(file: ConfigurationFile, say: Say): Promise<void> {
    const { auth, metrics, log } = this.context;
    let moved = false;
    try {
      moved = await this.#apply(file, say);
      metrics.reloaded("applied");
      log.info("reloaded the configuration", { file: file.name, moved });
      await auth?.audit.emit(auditEvent("reload", "success", { file: file.name, moved }));
    } catch (error) {
      metrics.reloaded("failed");
      log.error(`the configuration was not reloaded: ${errorMessage(error)}`, { error: errorChain(error) });
      await auth?.audit
        .emit(auditEvent("reload", "failure", { file: file.name, moved, error: errorMessage(error) }))
        .catch((cause: unknown) =>
          log.error("a failed reload could not be audited", { error: errorChain(cause) }),
        );
      throw error;
    }
  }

  /** True where the cluster was moved. */
  async #apply(file: ConfigurationFile, say: Say): Promise<boolean> {
    const { plan, wanted } = await this.#plan(file, say);
    const storage = this.context.auth?.storage;
    if (!storage) return false;
    if (plan.moveTo) {
      await storage.reload(plan.moveTo);
      say("The cluster has moved. See tctl storage status.");
    }
    storage.configured(wanted);
    return plan.moveTo !== undefined;
  }

  async #plan(file: ConfigurationFile, say: Say) {
    const { running, auth } = this.context;
    const { tree, settings, warnings } = await checkedConfiguration(file, this.context);
    const wanted = configuredStore(settings);
    const plan = planReload({
      running,
      next: tree,
      storage: auth && { current: auth.storage.current, wanted },
    });
    for (const warning of warnings) say(`warning: ${warning}`);
    for (const planned of plan.keys) say(plannedText(planned));
    if (plan.keys.length === 0) say("Nothing has changed.");
    return { plan, wanted };
  }
}

function plannedText({ key, effect, note }: PlannedKey): string {
  return `${key}: ${effect} (${note})`;
}
