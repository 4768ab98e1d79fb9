/** The kinds that `--bootstrap` takes, and what each is put through before it is believed. */
import type { z } from "zod";
import type { Clock } from "../plugin/clock.js";
import { authorityCodec } from "../resources/authority-codec.js";
import type { CertAuthority } from "../resources/authority.js";
import { clusterConfigCodec } from "../resources/cluster-codec.js";
import type { ClusterConfig } from "../resources/cluster.js";
import { keptCodec } from "../resources/kept-codec.js";
import { KEPT_KINDS, type KeptResource } from "../resources/kept.js";
import { lockCodec } from "../resources/lock-codec.js";
import type { Lock } from "../resources/lock.js";
import { optionalTime } from "../resources/rfc3339.js";
import { roleCodec } from "../resources/role-codec.js";
import type { Role } from "../resources/role.js";
import { tokenCodec, type StoredToken } from "../resources/token-codec.js";
import { tokenOfResource } from "../resources/token-resource.js";
import { userCodec } from "../resources/user-codec.js";
import type { User } from "../resources/user.js";
import type { Accounts } from "./accounts.js";
import { checkedAuthority } from "./authority-check.js";
import { requireJoinable } from "./join-tokens.js";
import type { Locks } from "./locks.js";
import type { Stores } from "./stores.js";

/** The cluster that is being made. */
export interface NewCluster {
  readonly clusterName: string;
  readonly stores: Stores;
  readonly accounts: Accounts;
  readonly locks: Locks;
  readonly clock: Clock;
}

/** How resources of one kind get into a new cluster. */
export interface BootstrapKind {
  readonly kind: string;
  readonly schema: z.ZodType;
  /** Throws `bad_parameter` for what the cluster cannot take. What has expired is left out. */
  take(resource: unknown, into: NewCluster): Promise<void>;
}

function kindOf<R>(
  kind: string,
  schema: z.ZodType<R>,
  take: (resource: R, into: NewCluster) => Promise<void>,
): BootstrapKind {
  return { kind, schema, take: (resource, into) => take(resource as R, into) };
}

/** In the order in which they are taken: users need their roles. */
const KINDS: readonly BootstrapKind[] = [
  kindOf<Role>("role", roleCodec.schema, (role, { accounts }) => accounts.putRole(role)),
  kindOf<User>("user", userCodec.schema, (user, { accounts }) => accounts.putUser(user)),
  kindOf<CertAuthority>("cert_authority", authorityCodec.schema, async (authority, into) => {
    await into.stores.authorities.create(checkedAuthority(authority, into.clusterName));
  }),
  kindOf<Lock>("lock", lockCodec.schema, async (lock, { locks, clock }) => {
    const expires = optionalTime(lock.spec.expires);
    if (expires === undefined || expires > clock.now()) await locks.put(lock);
  }),
  kindOf<StoredToken>("token", tokenCodec.schema, async (token, { stores }) => {
    requireJoinable(token.spec.roles);
    await stores.tokens.put(tokenOfResource(token));
  }),
  // teleport.yaml says all but the id, which stays that of the cluster.
  kindOf<ClusterConfig>("cluster_config", clusterConfigCodec.schema, (config, { stores }) =>
    stores.settings.putClusterConfig(config),
  ),
  ...KEPT_KINDS.map((kind) =>
    kindOf<KeptResource>(kind, keptCodec(kind).schema, (resource, { stores }) => stores.kept.put(resource)),
  ),
];

/** The kinds by name, in the order in which they are taken. */
export const BOOTSTRAP_KINDS: ReadonlyMap<string, BootstrapKind> = new Map(
  KINDS.map((kind) => [kind.kind, kind]),
);
