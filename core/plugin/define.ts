import type { z } from "zod";
import type { AuditSink } from "./audit.js";
import type { Clock } from "./clock.js";
import type { Logger } from "./logger.js";
import type { PluginMetrics } from "./metrics.js";
import type { RecordingStore } from "./recording.js";
import type { Storage } from "./storage.js";
import type { TlsSource } from "./tls.js";

/** The version of this contract. A plugin states the range it works with in `apiVersion`. */
export const PLUGIN_API_VERSION = "1.1.0";

/** What each kind of plugin creates. */
export interface PluginProducts {
  storage: Storage;
  tls: TlsSource;
  audit: AuditSink;
  recording: RecordingStore;
}

/** The kinds of plugin. */
export type PluginKind = keyof PluginProducts;

/** What the host hands to `create` besides the settings. */
export interface PluginContext {
  readonly log: Logger;
  readonly clock: Clock;
  /** The daemon's data directory, absolute. */
  readonly dataDir: string;
  /** The host's UUID. */
  readonly hostId: string;
  /** The host's name, for certificates and messages. */
  readonly hostname: string;
  /** Counts what happens between the plugin and its service. Absent before version 1.1.0 and where nobody asks. */
  readonly metrics?: PluginMetrics | undefined;
  /** For kinds chosen by URI (audit, recording): that URI. */
  readonly uri?: URL | undefined;
  /** The shared key-value store, for plugins that declare `uses: ["storage"]`. */
  readonly storage?: Storage | undefined;
}

/** The life of one plugin instance. `close` is idempotent and legal after any phase. */
export interface PluginInstance<K extends PluginKind> {
  readonly product: PluginProducts[K];
  /** Connects and verifies. The host bounds its time ({@link PluginDefinition.startTimeoutMs}). */
  start?(): Promise<void>;
  /** Stops taking new work; what is under way is finished. */
  drain?(): Promise<void>;
  close(): Promise<void>;
}

/** A plugin, as its module's default export declares it. */
export interface PluginDefinition<K extends PluginKind = PluginKind, S extends z.ZodType = z.ZodType> {
  /** `<kind>.<name>`, such as `storage.etcd`: the name is what teleport.yaml selects. */
  readonly id: `${K}.${string}`;
  readonly kind: K;
  /** A semver range that must include {@link PLUGIN_API_VERSION}, such as `^1.0.0`. */
  readonly apiVersion: string;
  /** Schema of the plugin's own keys. Unknown keys are errors, so use `z.strictObject`. */
  readonly schema: S;
  /** Other kinds that this one needs; the host refuses a graph with cycles. */
  readonly uses?: readonly PluginKind[];
  /** How long `start` may take; 30 s when absent. */
  readonly startTimeoutMs?: number;
  /** Builds an instance from checked settings. Must not touch the outside world: that is for `start`. */
  create(settings: z.output<S>, context: PluginContext): PluginInstance<K> | Promise<PluginInstance<K>>;
}

/** Declares a plugin; the identity function that gives `create` its types. */
export function definePlugin<K extends PluginKind, S extends z.ZodType>(
  definition: PluginDefinition<K, S>,
): PluginDefinition<K, S> {
  return definition;
}
