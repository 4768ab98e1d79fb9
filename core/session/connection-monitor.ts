/** Ends connections whose users are idle too long or whose certificates expire (features.md §9.1). */
import { auditEvent } from "../audit/catalogue.js";
import { errorChain } from "../errors/error.js";
import { formatDuration, parseDuration } from "../grammar/duration.js";
import type { SshConnection } from "../ssh/contract.js";
import type { SessionContext } from "./session-context.js";
import type { UserIdentity } from "../access/user-identity.js";

/** What to watch. */
export interface MonitorOptions {
  readonly context: SessionContext;
  readonly connection: SshConnection;
  readonly identity: UserIdentity;
}

/** Longest sleep: timers of the platform overflow at 24.8 days, and clocks may be set. */
const LONGEST_SLEEP_MS = 60 * 60_000;

/** Watches a connection until it is gone. */
export function monitorConnection(options: MonitorOptions): void {
  const stop = new AbortController();
  void options.connection.whenClosed.then(() => stop.abort());
  const { identity, context } = options;
  const cluster = context.view.clusterConfig().spec;
  const idleMs = identity.access.clientIdleTimeoutMs(parseDuration(cluster.client_idle_timeout));
  const expires = identity.certificate.validBefore;
  if (idleMs > 0) void watchIdle(options, idleMs, stop.signal).catch(() => undefined);
  if (expires !== null && identity.access.disconnectExpiredCert(cluster.disconnect_expired_cert)) {
    void watchExpiry(options, expires, stop.signal).catch(() => undefined);
  }
}

async function watchIdle(options: MonitorOptions, idleMs: number, signal: AbortSignal): Promise<void> {
  const { connection, context } = options;
  const count = (): number => connection.bytes.received + connection.bytes.sent;
  let seen = count();
  let since = context.clock.now().getTime();
  for (;;) {
    const idleFor = context.clock.now().getTime() - since;
    if (idleFor >= idleMs) {
      const reason = `client is idle for ${formatDuration(idleFor)}, exceeded idle timeout of ${formatDuration(idleMs)}`;
      return disconnect(options, reason);
    }
    // Several looks per time-out, so that activity between two of them shortens nobody's time by much.
    await context.clock.sleep(
      Math.min(idleMs - idleFor, Math.max(idleMs / 10, 1_000), LONGEST_SLEEP_MS),
      signal,
    );
    if (count() !== seen) {
      seen = count();
      since = context.clock.now().getTime();
    }
  }
}

async function watchExpiry(options: MonitorOptions, expires: Date, signal: AbortSignal): Promise<void> {
  const { clock } = options.context;
  for (;;) {
    const left = expires.getTime() - clock.now().getTime();
    if (left <= 0) return disconnect(options, `client certificate expired at ${expires.toISOString()}`);
    await clock.sleep(Math.min(left, LONGEST_SLEEP_MS), signal);
  }
}

async function disconnect({ context, connection, identity }: MonitorOptions, reason: string): Promise<void> {
  connection.disconnect(reason);
  const event = auditEvent("clientDisconnect", "success", {
    "user": identity.user,
    "login": connection.user,
    "addr.local": connection.localAddress,
    "addr.remote": connection.remoteAddress,
    "server_id": context.serverId,
    reason,
  });
  await context.api.emitAuditEvent(event).catch((error: unknown) => {
    context.log.error("a disconnect could not be audited", { reason, error: errorChain(error) });
  });
}
