import type { CertAuthority } from "../../resources/authority.js";
import type { ClusterConfig, Namespace } from "../../resources/cluster.js";
import type { Lock } from "../../resources/lock.js";
import type { Role } from "../../resources/role.js";
import type { Server } from "../../resources/server.js";
import type { User } from "../../resources/user.js";
import type { AuthApi, WatchEvent } from "./api.js";
import type { ViewKind } from "./view.js";

/** What a view can hold, by kind. */
export interface ViewContent {
  cert_authority: CertAuthority;
  cluster_config: ClusterConfig;
  role: Role;
  lock: Lock;
  user: User;
  node: Server;
  proxy: Server;
  auth_server: Server;
  namespace: Namespace;
}

/** How each kind is read in full. */
const READERS: { [K in ViewKind]: (api: AuthApi) => Promise<ViewContent[K][]> } = {
  cert_authority: async (api) =>
    (await Promise.all([api.getCertAuthorities("host"), api.getCertAuthorities("user")])).flat(),
  cluster_config: async (api) => [await api.getClusterConfig()],
  role: (api) => api.getRoles(),
  lock: (api) => api.getLocks(),
  user: (api) => api.getUsers(),
  node: (api) => api.getNodes("default"),
  proxy: (api) => api.getProxies(),
  auth_server: (api) => api.getAuthServers(),
  namespace: (api) => api.getNamespaces(),
};

type Viewed = ViewContent[ViewKind];
type ByName = Map<string, Viewed>;

/** Resources of the chosen kinds, by name, with those who want to hear of changes. */
export class ViewStore {
  readonly #content = new Map<ViewKind, ByName>();
  /** What `all` returned, until it changes: views are read far more often than they change. */
  readonly #lists = new Map<ViewKind, readonly Viewed[]>();
  readonly #listeners = new Map<ViewKind, Set<() => void>>();

  /** Resources of a kind in order of their names. */
  all<K extends ViewKind>(kind: K): readonly ViewContent[K][] {
    const known = this.#lists.get(kind);
    if (known) return known as readonly ViewContent[K][];
    const entries = [...(this.#content.get(kind) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    const list = entries.map(([, resource]) => resource);
    this.#lists.set(kind, list);
    return list as ViewContent[K][];
  }

  /** One resource; authorities are named `<type>/<cluster>`. */
  get<K extends ViewKind>(kind: K, name: string): ViewContent[K] | undefined {
    return this.#content.get(kind)?.get(name) as ViewContent[K] | undefined;
  }

  /** Reads the kinds anew. Only when all are read does any of it show. */
  async fill(api: AuthApi, kinds: readonly ViewKind[]): Promise<void> {
    const read = async (kind: ViewKind): Promise<readonly [ViewKind, ByName]> => {
      const resources: Viewed[] = await READERS[kind](api);
      return [kind, new Map(resources.map((resource) => [nameOf(resource), resource]))];
    };
    for (const [kind, next] of await Promise.all(kinds.map(read))) {
      const before = this.#content.get(kind);
      this.#content.set(kind, next);
      if (before === undefined || !sameContent(before, next)) this.#changed(kind);
    }
  }

  /** Applies a change; those of kinds that are not held are passed over. */
  apply(event: WatchEvent): void {
    if (event.type === "init") return;
    const kind = (event.type === "put" ? event.resource.kind : event.kind) as ViewKind;
    const content = this.#content.get(kind);
    if (!content) return;
    if (event.type === "put") {
      const resource = event.resource as Viewed;
      const name = nameOf(resource);
      if (same(content.get(name), resource)) return;
      content.set(name, resource);
    } else if (!content.delete(kind === "cert_authority" ? `${event.subKind}/${event.name}` : event.name)) {
      return;
    }
    this.#changed(kind);
  }

  /** Calls back after every change of a kind; returns the function that unsubscribes. */
  onChange(kind: ViewKind, listener: () => void): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners);
    // A function of its own for each subscription, so that one listener may subscribe twice.
    const own = (): void => listener();
    listeners.add(own);
    return () => listeners.delete(own);
  }

  #changed(kind: ViewKind): void {
    this.#lists.delete(kind);
    for (const listener of this.#listeners.get(kind) ?? []) listener();
  }
}

function nameOf(resource: Viewed): string {
  const { name } = resource.metadata;
  return resource.kind === "cert_authority" ? `${resource.spec.type}/${name}` : name;
}

function sameContent(a: ByName, b: ByName): boolean {
  return a.size === b.size && [...b].every(([name, resource]) => same(a.get(name), resource));
}

function same(a: Viewed | undefined, b: Viewed): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
