/** Changes of the cluster's state, as the API reports them (wire.md §5.6). */
import { badParameter, unavailable } from "../errors/error.js";
import type { Item, Storage } from "../plugin/storage.js";
import { authorityCodec, withoutPrivateKeys } from "../resources/authority-codec.js";
import { clusterConfigCodec, clusterNameCodec, namespaceCodec } from "../resources/cluster-codec.js";
import type { Codec } from "../resources/codec.js";
import { keys } from "../resources/keys.js";
import { lockCodec } from "../resources/lock-codec.js";
import { roleCodec } from "../resources/role-codec.js";
import { serverCodec } from "../resources/server-codec.js";
import { userCodec } from "../resources/user-codec.js";
import type { WatchEvent, WatchKind } from "./client/api.js";

type Resource = Extract<WatchEvent, { type: "put" }>["resource"];

/** Where the objects of a watchable kind lie. */
interface WatchedKind {
  readonly kind: string;
  readonly prefix: string;
  /** The name (and sub-kind) behind a key; undefined for keys that belong to something else. */
  readonly pattern: RegExp;
  /** Undefined for a kind that this release stores none of. */
  readonly codec?: Codec<Resource>;
  /** The name of a singleton. */
  readonly name?: string;
}

const SINGLETON = /^/;

const KINDS: readonly WatchedKind[] = [
  {
    kind: "cert_authority",
    prefix: keys.authorities,
    pattern: /^\/authorities\/(?<subKind>host|user)\/(?<name>[^/]+)$/,
    codec: authorityCodec,
  },
  {
    kind: "cluster_name",
    prefix: keys.clusterName,
    pattern: SINGLETON,
    codec: clusterNameCodec,
    name: "cluster-name",
  },
  {
    kind: "cluster_config",
    prefix: keys.clusterConfig,
    pattern: SINGLETON,
    codec: clusterConfigCodec,
    name: "cluster-config",
  },
  {
    kind: "user",
    prefix: keys.users,
    pattern: /^\/web\/users\/(?<name>[^/]+)\/params$/,
    codec: userCodec,
  },
  {
    kind: "role",
    prefix: keys.roles,
    pattern: /^\/roles\/(?<name>[^/]+)\/params$/,
    codec: roleCodec,
  },
  {
    kind: "lock",
    prefix: keys.locks,
    pattern: /^\/extensions\/locks\/(?<name>[^/]+)$/,
    codec: lockCodec,
  },
  {
    kind: "namespace",
    prefix: keys.namespaces,
    pattern: /^\/namespaces\/(?<name>[^/]+)\/params$/,
    codec: namespaceCodec,
  },
  {
    kind: "node",
    prefix: keys.nodes("default"),
    pattern: /^\/nodes\/default\/(?<name>[^/]+)$/,
    codec: serverCodec("node"),
  },
  {
    kind: "proxy",
    prefix: keys.proxies,
    pattern: /^\/proxies\/(?<name>[^/]+)$/,
    codec: serverCodec("proxy"),
  },
  {
    kind: "auth_server",
    prefix: keys.authServers,
    pattern: /^\/authservers\/(?<name>[^/]+)$/,
    codec: serverCodec("auth_server"),
  },
  // Stock proxies watch these too; there are none in this release.
  { kind: "tunnel", prefix: keys.tunnels, pattern: SINGLETON },
  { kind: "tunnel_connection", prefix: keys.tunnelConnections, pattern: SINGLETON },
];

/**
 * Yields `init`, then the changes of the given kinds. Throws `bad_parameter` for an unknown kind, and `unavailable`
 * where changes were lost: the caller must then read everything anew. Returns once the signal is aborted.
 */
export async function* watchKinds(
  storage: Storage,
  kinds: readonly WatchKind[],
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const watched = kinds.map(({ kind, name, loadSecrets }) => {
    const known = KINDS.find((candidate) => candidate.kind === kind);
    if (known === undefined) {
      throw badParameter(`${JSON.stringify(kind)} cannot be watched`);
    }
    return { known, name, loadSecrets: loadSecrets ?? false };
  });
  if (watched.length === 0) {
    throw badParameter("a watch needs at least one kind");
  }
  const prefixes = [...new Set(watched.map(({ known }) => known.prefix))];
  for await (const event of storage.watch(prefixes, { signal })) {
    if (event.type === "init") {
      yield { type: "init" };
      continue;
    }
    if (event.type === "reset") {
      throw unavailable("changes were lost: read everything again and watch anew");
    }
    const key = event.type === "put" ? event.item.key : event.key;
    for (const { known, name, loadSecrets } of watched) {
      const subject = subjectOf(known, key);
      if (subject === undefined || (name && name !== subject.name)) {
        continue;
      }
      if (event.type === "delete") {
        yield { type: "delete", kind: known.kind, ...subject };
      } else if (known.codec !== undefined) {
        yield { type: "put", resource: read(known.codec, event.item, loadSecrets) };
      }
    }
  }
}

function subjectOf(known: WatchedKind, key: string): { subKind: string; name: string } | undefined {
  const match = key.startsWith(known.prefix) ? known.pattern.exec(key) : null;
  if (match === null || (known.name !== undefined && key !== known.prefix)) {
    return undefined;
  }
  return {
    subKind: match.groups?.["subKind"] ?? "",
    name: known.name ?? match.groups?.["name"] ?? key.slice(known.prefix.length),
  };
}

function read(codec: Codec<Resource>, item: Item, loadSecrets: boolean): Resource {
  const resource = codec.decode(item.key, item.value);
  return resource.kind === "cert_authority" && !loadSecrets ? withoutPrivateKeys(resource) : resource;
}
