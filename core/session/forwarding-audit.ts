/** The audit of forwarded connections: `port` before the first byte, `session.data` after the last. */
import type { UserIdentity } from "../access/user-identity.js";
import { auditEvent, SESSION_DATA_INDEX, type PendingAuditEvent } from "../audit/catalogue.js";
import { errorChain } from "../errors/error.js";
import type { SshConnection } from "../ssh/contract.js";
import type { SessionContext } from "./session-context.js";
import type { SessionBytes } from "./session-streams.js";

/** Who forwards. */
export interface ForwardingOptions {
  readonly context: SessionContext;
  readonly connection: SshConnection;
  readonly identity: UserIdentity;
}

/** Audits what one connection forwards. */
export class ForwardingAudit {
  readonly #context: SessionContext;
  readonly #origin: { "user": string; "login": string; "addr.local": string; "addr.remote": string };

  constructor({ context, connection, identity }: ForwardingOptions) {
    this.#context = context;
    this.#origin = {
      "user": identity.user,
      "login": connection.user,
      "addr.local": connection.localAddress,
      "addr.remote": connection.remoteAddress,
    };
  }

  /** Tells a connection to a target; under the strict policy throws where that cannot be put on record. */
  async connected(target: string): Promise<void> {
    await this.#emit(auditEvent("port", "success", { ...this.#origin, addr: target, success: true }));
  }

  /** Tells a connection that was refused or failed. Never rejects. */
  async failed(target: string, error: string): Promise<void> {
    const event = auditEvent("port", "failure", { ...this.#origin, addr: target, success: false, error });
    await this.#emit(event).catch(() => undefined);
  }

  /** Tells the bytes of a connection that has ended. Never rejects. */
  async ended(bytes: SessionBytes): Promise<void> {
    const { serverId, namespace } = this.#context;
    const event = auditEvent("sessionData", "success", {
      ...this.#origin,
      ...bytes,
      server_id: serverId,
      namespace,
      ei: SESSION_DATA_INDEX,
    });
    await this.#emit(event).catch(() => undefined);
  }

  async #emit(event: PendingAuditEvent): Promise<void> {
    const { api, auditPolicy, log } = this.#context;
    try {
      await api.emitAuditEvent(event);
    } catch (cause) {
      log.error("a forwarded connection could not be audited", { error: errorChain(cause) });
      if (auditPolicy === "strict") throw cause;
    }
  }
}
