/** How many connections a user may have in the cluster, and how many sessions on each (features.md §13, 4.4). */
import { auditEvent } from "../audit/catalogue.js";
import { takeConnectionPlace } from "../auth/client/connection-place.js";
import { accessDenied, type CodedError, errorChain, errorMessage, hasCode } from "../errors/error.js";
import {
  type ChannelOpen,
  OPEN_FAILURE,
  type PeerRequest,
  type RequestReply,
  type SshChannel,
  type SshConnection,
} from "../ssh/contract.js";
import type { LiveIdentity } from "./live-identity.js";
import type { SessionContext } from "./session-context.js";

/** Who asks to be let in. */
export interface AdmissionOptions {
  readonly context: SessionContext;
  readonly connection: SshConnection;
  readonly identity: LiveIdentity;
  /** True where a node behind this server gives the connection its place. */
  readonly countedBehind?: boolean;
}

/** Serves a connection once it has its place; one that gets none, or loses it, is disconnected. */
export class ConnectionAdmission {
  readonly #options: AdmissionOptions;
  readonly #admitted: Promise<void>;
  #sessions = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#admitted = this.#takePlace();
    this.#admitted.catch((error: unknown) => options.connection.disconnect(errorMessage(error)));
  }

  /** As {@link SshConnection.onChannel}. */
  onChannel(type: string, handler: (open: ChannelOpen) => void): void {
    this.#options.connection.onChannel(type, (open) => {
      this.#admitted.then(
        () => handler(open),
        (error: unknown) => open.reject(OPEN_FAILURE.administrativelyProhibited, errorMessage(error)),
      );
    });
  }

  /** As {@link SshConnection.onGlobalRequest}; refused without a place. */
  onGlobalRequest(
    name: string,
    handler: (request: PeerRequest) => RequestReply | Promise<RequestReply>,
  ): void {
    this.#options.connection.onGlobalRequest(name, (request) =>
      this.#admitted.then(
        () => handler(request),
        () => false,
      ),
    );
  }

  /** Serves session channels, as many at a time as the roles allow. */
  onSession(serve: (channel: SshChannel) => void): void {
    const { identity } = this.#options;
    this.onChannel("session", (open) => {
      const max = identity.access.maxSessions();
      if (max > 0 && this.#sessions >= max) {
        this.#reject("max_sessions", max);
        const text = `too many session channels for user "${identity.user}" (max=${max})`;
        open.reject(OPEN_FAILURE.administrativelyProhibited, text);
        return;
      }
      const channel = open.accept();
      this.#sessions += 1;
      void channel.whenClosed.then(() => (this.#sessions -= 1));
      serve(channel);
    });
  }

  async #takePlace(): Promise<void> {
    const { context, connection, identity, countedBehind = false } = this.#options;
    const { api, log, clock } = context;
    const max = identity.access.maxConnections();
    if (max === 0 || countedBehind) return;
    try {
      const place = await takeConnectionPlace(api, {
        ...{ user: identity.user, max, log, clock },
        onLost: (reason: CodedError) => connection.disconnect(errorMessage(reason)),
      });
      void connection.whenClosed.then(() => place.release());
    } catch (error) {
      if (hasCode(error, "limit_exceeded")) {
        this.#reject("max_connections", max);
        throw error;
      }
      log.error("a connection could not be counted", { user: identity.user, error: errorChain(error) });
      throw accessDenied("your connections cannot be counted now; try again later", { cause: error });
    }
  }

  #reject(limit: "max_connections" | "max_sessions", max: number): void {
    const { context, connection, identity } = this.#options;
    const event = auditEvent("sessionRejected", "failure", {
      "user": identity.user,
      "login": connection.user,
      "addr.local": connection.localAddress,
      "addr.remote": connection.remoteAddress,
      "server_id": context.serverId,
      "reason": `${limit} limit reached`,
      max,
    });
    context.api.emitAuditEvent(event).catch((error: unknown) => {
      context.log.error("a refused session could not be audited", { error: errorChain(error) });
    });
  }
}
