import type { Clock, Logger, Storage } from "@teleport/plugin";
import type { ServingStore } from "../switchable-storage.js";
import type { ClusterIdentity, HostName, MigrationRecord, StoreSettings } from "./records.js";

/** A store that is open but need not hold anything. */
export type OpenStore = Omit<ServingStore, "epoch">;

/** What moving a cluster needs of the process around it. */
export interface MigrationTools {
  /** Opens a store. Throws what is wrong: settings, reach, credentials. */
  readonly open: (settings: StoreSettings) => Promise<OpenStore>;
  /** The cluster that a store holds; undefined where it holds none. */
  readonly identify: (storage: Storage) => Promise<ClusterIdentity | undefined>;
  /** The auth servers that the store lists by their heartbeats. */
  readonly authServers: (storage: Storage) => Promise<readonly HostName[]>;
  /** Told of the store that serves from now on, so that the host remembers it. */
  readonly onServing: (store: ServingStore) => Promise<void>;
  /** Told of a migration of another host, which has died, that this one has put an end to. */
  readonly onAborted: (record: MigrationRecord) => void;
  readonly host: HostName;
  readonly clock: Clock;
  readonly log: Logger;
}
