/** The audit of forwarded connections: `port` before the first byte, `session.data` after the last. */
import { randomUUID } from "node:crypto";
import type { UserIdentity } from "../access/user-identity.js";
import { auditEvent, SESSION_DATA_INDEX, type PendingAuditEvent } from "../audit/catalogue.js";
import { errorChain } from "../errors/error.js";
import type { SshConnection } from "../ssh/contract.js";
import { retryWhileUnavailable } from "./retry.js";
import type { SessionContext } from "./session-context.js";
import type { SessionBytes } from "./session-streams.js";

/**
 * Which way a connection is forwarded: `local` from the client to a target of this host's network, `remote` from a
 * listener on this host to the client, `listener` for that listener itself, `agent` and `x11` to the client's agent
 * and display.
 */
export type ForwardKind = "local" | "remote" | "listener" | "agent" | "x11";

/** One forwarded connection. */
export interface Forward {
  readonly kind: ForwardKind;
  /** Its end on this host's side: `host:port`, or `unix:` and the path of a socket. */
  readonly addr: string;
}

const RETRY_FOR_MS = 60_000;

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

  /** Tells a connection before its first byte; under the strict policy throws where that cannot be put on record. */
  async connected(forward: Forward): Promise<void> {
    const fields = { ...this.#origin, ...forward, success: true };
    await this.#emit(auditEvent(eventOf(forward), "success", fields));
  }

  /** Tells a connection that was refused or failed. Never rejects. */
  async failed(forward: Forward, error: string): Promise<void> {
    const fields = { ...this.#origin, ...forward, success: false, error };
    await this.#emit(auditEvent(eventOf(forward), "failure", fields)).catch(() => undefined);
  }

  /** Tells the bytes of a connection that has ended, trying again for a while where auth is away. Never rejects. */
  async ended(forward: Forward, bytes: SessionBytes): Promise<void> {
    const { serverId, namespace, clock, stopping } = this.#context;
    const event = auditEvent("sessionData", "success", {
      ...this.#origin,
      ...forward,
      ...bytes,
      server_id: serverId,
      namespace,
      ei: SESSION_DATA_INDEX,
    });
    // The id is fixed here, so that a repeated attempt is recognised as the same event.
    const completed = { ...event, uid: randomUUID(), time: clock.now().toISOString() };
    await this.#emit(completed, (work) =>
      retryWhileUnavailable(work, { clock, forMs: RETRY_FOR_MS, signal: stopping }),
    ).catch(() => undefined);
  }

  async #emit(event: PendingAuditEvent, attempt = once): Promise<void> {
    const { api, auditPolicy, log } = this.#context;
    try {
      await attempt(() => api.emitAuditEvent(event));
    } catch (cause) {
      log.error("a forwarded connection could not be audited", { error: errorChain(cause) });
      if (auditPolicy === "strict") throw cause;
    }
  }
}

const once = (work: () => Promise<void>): Promise<void> => work();

function eventOf({ kind }: Forward): "port" | "x11Forward" {
  return kind === "x11" ? "x11Forward" : "port";
}
