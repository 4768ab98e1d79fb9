/**
 * The SSH service of a node (port 3022): runs shells, commands and file copies of cluster users on this host.
 * Reading order: ../access/connection-access.ts (who may), ../session/session-channel.ts (what for),
 * ../session/session.ts (how it is recorded), local-sessions.ts (how it runs).
 */
import type { Socket } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { ConnectionServer } from "../access/connection-access.js";
import { serverLabels } from "../access/server-labels.js";
import type { AuthApi } from "../auth/client/api.js";
import { RefusalAudit } from "../audit/refusal-audit.js";
import { trustedHostAuthorities, trustedUserAuthorities } from "../auth/client/ssh-authorities.js";
import type { ClusterView } from "../auth/client/view.js";
import { accessDenied, errorMessage } from "../errors/error.js";
import { VERSION } from "../grammar/version.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Server } from "../resources/server.js";
import type { SshConnection, SshSigner } from "../ssh/contract.js";
import { createSshServer } from "../ssh/server.js";
import { socketAddresses } from "../ssh/socket-addresses.js";
import { lookupAccount } from "./account.js";
import { ConnectionAdmission } from "../session/connection-admission.js";
import { monitorConnection } from "../session/connection-monitor.js";
import { LiveAccess } from "../session/live-access.js";
import type { LiveIdentity } from "../session/live-identity.js";
import { ConnectionForwarding } from "./connection-forwarding.js";
import { startCommandLabels } from "./labels.js";
import { findLaunchTools } from "./launcher.js";
import { LocalSessions } from "./local-sessions.js";
import { SYSTEM_ACCOUNTING } from "./login-records/accounting-files.js";
import { LoginRecords } from "./login-records/login-records.js";
import type { NodeContext } from "./node-context.js";
import { nodeServer } from "./node-server-resource.js";
import { OpenSockets } from "./open-sockets.js";
import { OpenSessions } from "../session/open-sessions.js";
import { PipePool } from "./pipe-pool.js";
import { serveLocalForwarding } from "./port-forwarding.js";
import { serveRemoteForwarding } from "./remote-forwarding.js";
import { followProxyAddresses } from "./proxy-addresses.js";
import { unlessRecordedElsewhere } from "./recorded-elsewhere.js";
import { checkRecordingProof, RECORDING_PROOF_REQUEST } from "../session/recording-proof.js";
import { startRecordingUpload } from "../session/recording-upload.js";
import { serveSessionChannel } from "../session/session-channel.js";
import { configuredRecording } from "../session/session-context.js";
import { SessionRegistry } from "../session/session-registry.js";
import type { NodeSettings } from "./settings.js";

/** What a node service needs. */
export interface NodeServiceOptions {
  readonly api: AuthApi;
  /** Must hold authorities, roles, locks, users, proxies and the cluster configuration. */
  readonly view: ClusterView;
  readonly hostId: string;
  readonly hostname: string;
  /** Asked for every connection, so that renewed certificates are shown at once. */
  readonly hostSigners: () => readonly SshSigner[];
  readonly settings: NodeSettings;
  readonly dataDir: string;
  readonly log: Logger;
  readonly clock: Clock;
}

/** A running node service. The caller owns the listener. */
export interface NodeService {
  /** Takes a connection, which the service owns from then on. */
  accept(socket: Socket): void;
  /** The heartbeat as of now; read it again for each announcement. */
  server(): Server;
  /** Calls back when {@link server} has changed, so that it is announced before its time. */
  onChange(listener: () => void): void;
  /** How many sessions with a terminal run. */
  interactiveSessions(): number;
  /** Resolves when every label command has run once: announce the node after that. */
  readonly ready: Promise<void>;
  /** Refuses new connections and resolves when the last session has ended and is on record. */
  drain(): Promise<void>;
  /** Ends all sessions; resolves when they are on record. */
  close(): Promise<void>;
}

/** How long a closing node waits for an auth service that is away to take the last events. */
const CLOSE_PATIENCE_MS = 10_000;

/** Makes a node service. Throws `unavailable` where the host lacks a program that it needs. */
export function createNodeService(options: NodeServiceOptions): NodeService {
  const { api, view, hostId, hostname, settings, log, clock } = options;
  const isRoot = process.getuid?.() === 0;
  const onlyLogin = isRoot ? undefined : userInfo().username;
  if (onlyLogin !== undefined) {
    log.warn(`the SSH service does not run as root: "${onlyLogin}" is the only login that it can offer`);
  }
  const tools = findLaunchTools(isRoot);
  const listeners = new Set<() => void>();
  const commands = startCommandLabels({
    commands: settings.commands,
    clock,
    log,
    onChange: () => {
      listeners.forEach((listener) => listener());
      access.changed();
    },
  });
  const server = (): Server => nodeServer({ hostId, hostname }, settings, commands.current());
  const labels = (): Record<string, string> => serverLabels(server());
  const sessions = new SessionRegistry();
  const pipes = new PipePool(tools.bash);
  const refusals = new RefusalAudit((event) => api.emitAuditEvent(event), { log, clock });
  const openSessions = new OpenSessions(join(options.dataDir, "node", "open-sessions"), log);
  const forwardings = new Set<ConnectionForwarding>();
  const loginRecords = isRoot
    ? new LoginRecords({
        paths: settings.accounting ?? SYSTEM_ACCOUNTING,
        directory: join(options.dataDir, "node", "open-logins"),
        ...{ log, clock },
      })
    : undefined;
  const openSockets = new OpenSockets({
    directory: join(options.dataDir, "node", "open-sockets"),
    ...{ lookupAccount, tools, log },
  });
  const tidied = openSockets.removeLeftovers();
  const stopping = new AbortController();
  const here = (): ConnectionServer => {
    return { namespace: settings.namespace, labels: labels(), id: hostId, hostname };
  };
  const access = new LiveAccess({ view, clock, log });
  const shared: NodeContext = {
    ...{ api, view, hostname, settings, log, clock, labels, lookupAccount, tools, pipes },
    ...{ sessions, openSessions, refusals, loginRecords, openSockets },
    service: "node",
    serverId: hostId,
    namespace: settings.namespace,
    dataDir: options.dataDir,
    auditPolicy: settings.auditPolicy ?? "strict",
    // Also in proxy mode: a client that comes by another way than the recording proxy is recorded all the same.
    recording: () => configuredRecording(view),
    stopping: stopping.signal,
  };
  const uploads = startRecordingUpload(shared);

  const ssh = createSshServer({
    hostSigners: options.hostSigners,
    algorithms: settings.algorithms,
    limits: settings.limits,
    authorities: () => trustedUserAuthorities(view),
    authorize: ({ certificate, user }) => {
      access.authorize({ certificate, login: user, server: here, onlyLogin });
    },
    onAuthFailure: (failure) => void refusals.login(failure),
    onConnection: serve,
    acceptProxyPrefix: settings.acceptProxyPrefix ?? followProxyAddresses(view),
    log,
    clock,
  });

  function serve(connection: SshConnection): void {
    const identity = identify(connection);
    if (identity === undefined) return;
    let recordedByProxy = false;
    const context = unlessRecordedElsewhere(shared, () => recordedByProxy);
    const forwarding = new ConnectionForwarding(context, connection, identity);
    forwardings.add(forwarding);
    void connection.whenClosed
      .then(() => forwarding.forwards.idle())
      .then(() => forwardings.delete(forwarding));
    const host = new LocalSessions(forwarding, identity);
    log.info("a user is connected", {
      user: identity.user,
      login: connection.user,
      remote: connection.remoteAddress,
    });
    connection.onGlobalRequest("x-teleport-version", () => Buffer.from(VERSION));
    connection.onGlobalRequest("recording-proxy@teleport.com", () => Buffer.from("false"));
    connection.onGlobalRequest(RECORDING_PROOF_REQUEST, ({ payload }) => {
      const authorities = trustedHostAuthorities(view);
      checkRecordingProof(payload, { sessionId: connection.sessionId, authorities, now: clock.now() });
      recordedByProxy = true;
      return true;
    });
    const admission = new ConnectionAdmission({ context, connection, identity });
    admission.onSession((channel) => serveSessionChannel({ context, connection, identity, host, channel }));
    serveLocalForwarding(forwarding, admission);
    serveRemoteForwarding(forwarding, admission);
    monitorConnection({ context, connection, identity });
  }

  /** Authentication has done the same already; what has changed since then ends the connection. */
  function identify(connection: SshConnection): LiveIdentity | undefined {
    const { peerCertificate: certificate, user: login } = connection;
    try {
      if (certificate === undefined) throw accessDenied("a certificate is needed");
      return access.hold({ certificate, login, server: here, onlyLogin });
    } catch (error) {
      connection.disconnect(errorMessage(error));
      return undefined;
    }
  }

  async function stop(ending: Promise<void>): Promise<void> {
    await ending;
    await Promise.all([...[...forwardings].map(({ forwards }) => forwards.idle()), sessions.idle()]);
    access.close();
    await refusals.close();
    await tidied;
    await loginRecords?.written();
    commands.close();
    pipes.close();
    await uploads.close();
  }

  return {
    accept: (socket) => {
      const addresses = socketAddresses(socket);
      if (addresses === undefined) {
        socket.destroy();
        return;
      }
      ssh.accept(socket, addresses);
    },
    server,
    onChange: (listener) => void listeners.add(listener),
    interactiveSessions: () => sessions.interactive,
    ready: commands.ready.catch((error: unknown) => {
      log.error("label commands could not be run", { error: errorMessage(error) });
    }),
    drain: () => stop(ssh.drain()),
    close: async () => {
      const patience = setTimeout(() => stopping.abort(), CLOSE_PATIENCE_MS);
      await stop(ssh.close());
      clearTimeout(patience);
    },
  };
}
