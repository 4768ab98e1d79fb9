import { Metadata } from "@grpc/grpc-js";
import type { Logger } from "@teleport/plugin";
import type { Access } from "./access.js";
import { CallFailure } from "./failure.js";
import type { Peer } from "./peer.js";

const TIMEOUT_MS = 5000;

/**
 * The metadata of our calls: with a user name the token that etcd gives for name and password. etcd forgets tokens when
 * a member restarts, when they are not used for minutes, and when the password changes.
 */
export class Login {
  readonly #anonymous = withLeader();
  #current: Promise<Metadata> | undefined;

  constructor(
    private readonly access: Access,
    private readonly log: Logger,
  ) {}

  /** Logs in with this peer's help where that is needed. Rejects with a {@link CallFailure}. */
  metadata(peer: Peer): Promise<Metadata> | Metadata {
    if (this.access.username === undefined) return this.#anonymous;
    if (!this.#current) {
      const login = this.#login(peer, this.access.username);
      this.#current = login;
      login.catch(() => this.forget(login));
    }
    return this.#current;
  }

  /** The token is no longer known to etcd: the next call logs in again. */
  forget(metadata: Promise<Metadata> | Metadata): void {
    if (this.#current === metadata) this.#current = undefined;
  }

  async #login(peer: Peer, name: string): Promise<Metadata> {
    const password = await this.access.password();
    try {
      const { token } = await peer.call("authenticate", { name, password }, this.#anonymous, TIMEOUT_MS);
      const metadata = withLeader();
      metadata.set("token", token);
      return metadata;
    } catch (error) {
      if (error instanceof CallFailure && /authentication is not enabled/.test(error.message)) {
        this.log.warn("etcd has no authentication enabled: username and password_file are not used");
        return withLeader();
      }
      throw error;
    }
  }
}

/** A member that has lost its leader must say so instead of waiting for it. */
function withLeader(): Metadata {
  const metadata = new Metadata();
  metadata.set("hasleader", "true");
  return metadata;
}
