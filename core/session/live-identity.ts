/** Who a connected client is now: its powers follow the cluster's roles while it is connected. */
import type { Access } from "../access/access.js";
import type { UserIdentity } from "../access/user-identity.js";
import { accessDenied, errorMessage } from "../errors/error.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";

/** Ends what a user may no longer do, telling the reason; resolves when the user has been told. Never rejects. */
export type Ended = (reason: string) => Promise<void>;

/** Ends a connection for a reason, once `told` has resolved: its sessions have shown the reason by then. */
export type Denied = (reason: string, told: Promise<void>) => void;

/** What an identity asks of those who keep deciding about it. */
export interface IdentityKeeper {
  /** Throws `access_denied` where a lock shuts the user out of the session. */
  requireSession(sessionId: string): void;
  released(): void;
}

/**
 * The identity of an open connection. `access` is that of the moment: ask it anew for each decision. It is kept up to
 * date until {@link release}, and as long as sessions hold it.
 */
export class LiveIdentity implements UserIdentity {
  readonly user: string;
  readonly certificate: SshCertificate;
  readonly #keeper: IdentityKeeper;
  readonly #listeners = new Set<() => void>();
  readonly #sessions = new Set<{ readonly id: string; readonly ended: Ended }>();
  #access: Access;
  #denied: Denied | undefined;
  #deniedFor: string | undefined;
  #connected = true;

  constructor({ user, certificate, access }: UserIdentity, keeper: IdentityKeeper) {
    this.user = user;
    this.certificate = certificate;
    this.#access = access;
    this.#keeper = keeper;
  }

  get access(): Access {
    return this.#access;
  }

  /** Why nothing is allowed any more, while sessions are told so; undefined where that is not the case. */
  get refusal(): string | undefined {
    return this.#deniedFor;
  }

  /** Calls back after the powers or the cluster's configuration have changed, or nothing is allowed any more; returns the function that unsubscribes. */
  onChange(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Calls back when the connection itself is no longer allowed. */
  onDenied(denied: Denied): void {
    this.#denied = denied;
    if (this.#deniedFor !== undefined) denied(this.#deniedFor, Promise.resolve());
  }

  /** Throws `access_denied` where nothing is allowed any more, or a lock shuts the user out of the session. */
  requireSession(id: string): void {
    if (this.#deniedFor !== undefined) throw accessDenied(this.#deniedFor);
    this.#keeper.requireSession(id);
  }

  /**
   * Holds the user's part in a session: `ended` is called, perhaps at once, when the user is no longer allowed on the
   * connection or in this session. Returns the function that lets go.
   */
  holdSession(id: string, ended: Ended): () => void {
    const held = { id, ended };
    this.#sessions.add(held);
    if (this.#deniedFor !== undefined) void ended(this.#deniedFor);
    else this.checkSessions((each) => this.#keeper.requireSession(each));
    return () => {
      this.#sessions.delete(held);
      this.#releaseIfUnused();
    };
  }

  /** The connection is gone. */
  release(): void {
    this.#connected = false;
    this.#denied = undefined;
    this.#releaseIfUnused();
  }

  /** For the keeper: the powers as they are now. */
  update({ access }: UserIdentity): void {
    this.#access = access;
    this.#tellListeners();
  }

  /** For the keeper: nothing is allowed any more. */
  deny(reason: string): void {
    this.#deniedFor = reason;
    this.#keeper.released();
    this.#tellListeners();
    const told = Promise.all([...this.#sessions].map(({ ended }) => ended(reason)));
    this.#denied?.(
      reason,
      told.then(() => undefined),
    );
  }

  /** For the keeper: ends the sessions for which the check throws. */
  checkSessions(check: (sessionId: string) => void): void {
    for (const held of [...this.#sessions]) {
      try {
        check(held.id);
      } catch (error) {
        this.#sessions.delete(held);
        void held.ended(errorMessage(error));
      }
    }
    this.#releaseIfUnused();
  }

  #tellListeners(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #releaseIfUnused(): void {
    if (!this.#connected && this.#sessions.size === 0) this.#keeper.released();
  }
}
