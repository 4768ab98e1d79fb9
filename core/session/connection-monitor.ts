/**
 * Ends connections that are no longer allowed, whose users are idle too long or whose certificates expire (features.md
 * §9.1). What the roles and the cluster say about that counts as it is now, not as it was at the login.
 */
import { auditEvent } from "../audit/catalogue.js";
import { errorChain } from "../errors/error.js";
import { formatDuration, parseDuration } from "../grammar/duration.js";
import type { SshConnection } from "../ssh/contract.js";
import type { LiveIdentity } from "./live-identity.js";
import type { SessionContext } from "./session-context.js";

/** What to watch. */
export interface MonitorOptions {
  readonly context: SessionContext;
  readonly connection: SshConnection;
  readonly identity: LiveIdentity;
}

/** Longest sleep: timers of the platform overflow at 24.8 days, and clocks may be set. */
const LONGEST_SLEEP_MS = 60 * 60_000;

/** Watches a connection until it is gone, and then releases its identity. */
export function monitorConnection(options: MonitorOptions): void {
  const { connection, identity } = options;
  const monitor = new ConnectionMonitor(options);
  void connection.whenClosed.then(() => {
    monitor.stop();
    identity.release();
  });
  identity.onDenied((reason, told) => monitor.disconnect(reason, told));
  monitor.follow();
  identity.onChange(() => monitor.follow());
}

class ConnectionMonitor {
  readonly #options: MonitorOptions;
  /** Ends the watches, which start anew when what they go by has changed. */
  #watches = new AbortController();
  #idleSince: number;
  #bytesSeen: number;
  #over = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#idleSince = this.#now();
    this.#bytesSeen = this.#bytes();
  }

  /** Watches by the options of now. */
  follow(): void {
    this.#watches.abort();
    if (this.#over) return;
    this.#watches = new AbortController();
    const { signal } = this.#watches;
    const { context, identity } = this.#options;
    const cluster = context.view.clusterConfig().spec;
    const idleMs = identity.access.clientIdleTimeoutMs(parseDuration(cluster.client_idle_timeout));
    const expires = identity.certificate.validBefore;
    if (idleMs > 0) void this.#watchIdle(idleMs, signal).catch(() => undefined);
    if (expires !== null && identity.access.disconnectExpiredCert(cluster.disconnect_expired_cert)) {
      void this.#watchExpiry(expires, signal).catch(() => undefined);
    }
  }

  stop(): void {
    this.#over = true;
    this.#watches.abort();
  }

  /** Audits the end at once: a client whose sessions have ended may leave before it is sent away. */
  disconnect(reason: string, told = Promise.resolve()): void {
    if (this.#over) return;
    this.stop();
    const { context, connection, identity } = this.#options;
    void told.then(() => connection.disconnect(reason));
    const event = auditEvent("clientDisconnect", "success", {
      "user": identity.user,
      "login": connection.user,
      "addr.local": connection.localAddress,
      "addr.remote": connection.remoteAddress,
      "server_id": context.serverId,
      reason,
    });
    context.api.emitAuditEvent(event).catch((error: unknown) => {
      context.log.error("a disconnect could not be audited", { reason, error: errorChain(error) });
    });
  }

  async #watchIdle(idleMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const idleFor = this.#idleFor();
      if (idleFor >= idleMs) {
        return this.disconnect(
          `client is idle for ${formatDuration(idleFor)}, exceeded idle timeout of ${formatDuration(idleMs)}`,
        );
      }
      // Several looks per time-out, so that activity between two of them shortens nobody's time by much.
      await this.#options.context.clock.sleep(
        Math.min(idleMs - idleFor, Math.max(idleMs / 10, 1_000), LONGEST_SLEEP_MS),
        signal,
      );
    }
  }

  async #watchExpiry(expires: Date, signal: AbortSignal): Promise<void> {
    for (;;) {
      const left = expires.getTime() - this.#now();
      if (left <= 0) return this.disconnect(`client certificate expired at ${expires.toISOString()}`);
      await this.#options.context.clock.sleep(Math.min(left, LONGEST_SLEEP_MS), signal);
    }
  }

  #idleFor(): number {
    if (this.#bytes() !== this.#bytesSeen) {
      this.#bytesSeen = this.#bytes();
      this.#idleSince = this.#now();
    }
    return this.#now() - this.#idleSince;
  }

  #bytes(): number {
    const { received, sent } = this.#options.connection.bytes;
    return received + sent;
  }

  #now(): number {
    return this.#options.context.clock.now().getTime();
  }
}
