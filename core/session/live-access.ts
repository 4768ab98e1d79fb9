/**
 * Keeps deciding about connections while they are open: what is no longer allowed ends. Every change of roles, users,
 * locks, labels and configuration is looked at once for all connections, and costs the more only the more of them it
 * concerns: a connection whose user and roles are as they were is held against new locks alone.
 */
import {
  authorizeConnection,
  type ConnectionServer,
  type ConnectionSource,
  MAX_LOCK_STALENESS_MS,
  requireUnlocked,
} from "../access/connection-access.js";
import type { UserIdentity } from "../access/user-identity.js";
import type { ClusterView, ViewKind } from "../auth/client/view.js";
import { errorChain, errorMessage } from "../errors/error.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Lock } from "../resources/lock.js";
import { LiveIdentity } from "./live-identity.js";

/** A connection as it was authorised; the decision is made again with the same facts. */
export interface LiveRequest {
  readonly certificate: SshCertificate;
  readonly login: string;
  /** The server as it is now: its labels may change. */
  readonly server: () => ConnectionServer;
  readonly onlyLogin?: string | undefined;
}

/** What deciding takes. */
export interface LiveAccessOptions {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Watched {
  readonly request: LiveRequest;
  readonly identity: LiveIdentity;
  /** What the last decision was made from, apart from locks. */
  basis: readonly unknown[];
}

const KINDS: readonly ViewKind[] = ["role", "user", "lock", "cluster_config"];
/** Connections that are looked at in one go, so that the others are served in between. */
const BATCH = 50;

/** The open connections of one service. */
export class LiveAccess {
  readonly #options: LiveAccessOptions;
  readonly #watched = new Set<Watched>();
  readonly #unsubscribe: (() => void)[];
  readonly #closing = new AbortController();
  #knownLocks: ReadonlySet<Lock>;
  #checking: Promise<void> | undefined;
  #again = false;

  constructor(options: LiveAccessOptions) {
    this.#options = options;
    this.#knownLocks = new Set(options.view.locks());
    this.#unsubscribe = KINDS.map((kind) => options.view.onChange(kind, () => this.changed()));
    void this.#watchStaleness();
  }

  /** Decides once. Throws what {@link authorizeConnection} throws. */
  authorize({ server, ...request }: LiveRequest): UserIdentity {
    const { view, clock } = this.#options;
    return authorizeConnection({ ...request, server: server(), source: view, now: clock.now() });
  }

  /**
   * Decides, and goes on doing so until the identity is released. Throws what {@link authorizeConnection} throws.
   */
  hold(request: LiveRequest): LiveIdentity {
    const current = this.authorize(request);
    const identity = new LiveIdentity(current, {
      requireSession: (session) => this.#requireUnlocked(watched, this.#options.view, session),
      released: () => this.#watched.delete(watched),
    });
    const watched: Watched = { request, identity, basis: this.#basis(request, current) };
    this.#watched.add(watched);
    return identity;
  }

  /** Looks at all connections again: something that decisions depend on has changed. */
  changed(): void {
    this.#again = true;
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
  }

  /** Stops deciding. */
  close(): void {
    this.#closing.abort();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  async #check(): Promise<void> {
    // Changes that come together are looked at together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#again && !this.#closing.signal.aborted) {
      this.#again = false;
      const locks = this.#options.view.locks();
      const known = this.#knownLocks;
      const fresh = locks.filter((lock) => !known.has(lock));
      this.#knownLocks = new Set(locks);
      let looked = 0;
      for (const watched of [...this.#watched]) {
        if (looked++ % BATCH === BATCH - 1) await new Promise((resolve) => setImmediate(resolve));
        this.#look(watched, fresh);
      }
    }
  }

  #look(watched: Watched, freshLocks: readonly Lock[]): void {
    const { request, identity } = watched;
    try {
      const basis = this.#basis(request, identity);
      const same =
        basis.length === watched.basis.length && basis.every((part, at) => part === watched.basis[at]);
      const locks = same ? freshLocks : this.#options.view.locks();
      if (!same) {
        const next = this.authorize(request);
        watched.basis = this.#basis(request, next);
        identity.update(next);
      } else if (locks.length > 0 || this.#options.view.staleSince() !== undefined) {
        this.#requireUnlocked(watched, this.#withLocks(locks));
      }
      if (locks.some(({ spec }) => spec.target.session)) {
        identity.checkSessions((session) => this.#requireUnlocked(watched, this.#withLocks(locks), session));
      }
    } catch (error) {
      this.#options.log.warn("a connection is no longer allowed", {
        user: identity.user,
        login: request.login,
        reason: errorChain(error),
      });
      identity.deny(errorMessage(error));
    }
  }

  #withLocks(locks: readonly Lock[]): ConnectionSource {
    return { ...this.#options.view, locks: () => locks };
  }

  #requireUnlocked({ request, identity }: Watched, source: ConnectionSource, session?: string): void {
    requireUnlocked(identity, {
      login: request.login,
      server: request.server(),
      source,
      now: this.#options.clock.now(),
      ...(session === undefined ? {} : { session }),
    });
  }

  /** Throws where a role has gone. */
  #basis({ server }: LiveRequest, { user, access }: Pick<UserIdentity, "user" | "access">): unknown[] {
    const { view } = this.#options;
    return [
      JSON.stringify(server().labels),
      view.clusterConfig(),
      view.user(user),
      ...view.roles(access.roleNames),
    ];
  }

  /** A replica that grows old changes nothing, and yet ends what strict locking holds. */
  async #watchStaleness(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#options.clock.sleep(MAX_LOCK_STALENESS_MS / 5, signal).catch(() => undefined);
      if (!signal.aborted && this.#options.view.staleSince() !== undefined) this.changed();
    }
  }
}
