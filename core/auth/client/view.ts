import type { AuthorityType, CertAuthority } from "../../resources/authority.js";
import type { ClusterConfig } from "../../resources/cluster.js";
import type { Lock } from "../../resources/lock.js";
import type { Role } from "../../resources/role.js";
import type { Server } from "../../resources/server.js";
import type { User } from "../../resources/user.js";

/** Kinds a view can hold. */
export type ViewKind =
  | "cert_authority"
  | "cluster_config"
  | "role"
  | "lock"
  | "user"
  | "node"
  | "proxy"
  | "auth_server"
  | "namespace";

/**
 * A replica of the part of the cluster's state that one service needs: filled before it is handed out, kept fresh by a
 * watch, and readable without a round trip, also while the auth service is away. Reads are synchronous.
 */
export interface ClusterView {
  readonly clusterName: string;
  /** Authorities of all trusted clusters, without private keys. */
  authorities(type: AuthorityType): readonly CertAuthority[];
  clusterConfig(): ClusterConfig;
  /** The roles with these names, in order. Throws `access_denied` naming the first that does not exist. */
  roles(names: readonly string[]): Role[];
  /** The locks; whether one is in force now is for the reader to see from its times. */
  locks(): readonly Lock[];
  /** What becomes of connections while the locks cannot be refreshed, where the roles do not say. */
  lockingMode(): "best_effort" | "strict";
  user(name: string): User | undefined;
  nodes(): readonly Server[];
  proxies(): readonly Server[];
  authServers(): readonly Server[];
  /** Calls back after every change of the kind; returns the function that unsubscribes. */
  onChange(kind: ViewKind, listener: () => void): () => void;
  /** Since when the replica cannot be refreshed; undefined while it is in step. */
  staleSince(): Date | undefined;
  close(): Promise<void>;
}

/** What `createClusterView` may be told to leave out: a node needs no list of nodes. */
export interface ViewOptions {
  readonly kinds: readonly ViewKind[];
}
