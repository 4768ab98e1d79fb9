/** One client's connection to a target, as the recording proxy passes it on. */
import { accessDenied, errorMessage } from "../../errors/error.js";
import { VERSION } from "../../grammar/version.js";
import { ConnectionAdmission } from "../../session/connection-admission.js";
import { monitorConnection } from "../../session/connection-monitor.js";
import { ForwardingAudit } from "../../session/forwarding-audit.js";
import type { LiveAccess } from "../../session/live-access.js";
import type { LiveIdentity } from "../../session/live-identity.js";
import { serveSessionChannel } from "../../session/session-channel.js";
import type { SessionContext } from "../../session/session-context.js";
import {
  OPEN_FAILURE,
  type SshAlgorithms,
  type SshConnection,
  type SshLimits,
  type SshSigner,
} from "../../ssh/contract.js";
import { type AgentSource, openClientAgent } from "./client-agent.js";
import type { CarryingClient } from "./forwarding-server.js";
import { TargetConnection } from "./target-connection.js";
import { forwardAgentChannel, forwardToTarget, LOCAL_FORWARDS } from "./target-forwarding.js";
import { bringRemoteForwards, serveRemoteForwarding } from "./target-listeners.js";
import { mayForwardAgent, TargetSessions } from "./target-sessions.js";
import type { ForwardingTarget } from "./target.js";

/** What serving a connection needs. */
export interface ForwardedConnectionOptions {
  readonly context: SessionContext;
  readonly access: LiveAccess;
  readonly target: ForwardingTarget;
  /** The client's connection, which it believes to be to the target. */
  readonly connection: SshConnection;
  readonly carrying: CarryingClient;
  /** The proxy's own host keys. */
  readonly hostSigners: () => readonly SshSigner[];
  readonly algorithms: SshAlgorithms;
  readonly limits: SshLimits;
}

/** Serves the connection until it is gone. Sets all its handlers before it returns. */
export function serveForwardedConnection(options: ForwardedConnectionOptions): void {
  const { context, connection, carrying } = options;
  const identity = identify(options);
  if (identity === undefined) return;
  let agentOffered: boolean | undefined;
  const sources = (): AgentSource[] => [
    { connection, offered: agentOffered },
    { connection: carrying.connection, offered: carrying.offersAgent },
  ];
  const target = new TargetConnection({
    ...options,
    ...{ view: context.view, log: context.log, clock: context.clock },
    user: identity.user,
    login: connection.user,
    clientAddress: connection.remoteAddress,
    openAgent: () => openClientAgent(sources()),
    onConnection: (upstream) => {
      bringRemoteForwards(upstream, connection, { target, identity, audit });
      upstream.onChannel("auth-agent@openssh.com", (open) => {
        if (agentOffered === true && mayForwardAgent(identity, connection.user)) {
          void forwardAgentChannel(open, connection);
        } else {
          open.reject(OPEN_FAILURE.administrativelyProhibited, "agent forwarding not allowed");
        }
      });
    },
  });
  const host = new TargetSessions({
    target,
    identity,
    login: connection.user,
    agentOffered: () => (agentOffered = true),
  });
  context.log.info("a user is connected to a target", {
    user: identity.user,
    login: connection.user,
    remote: connection.remoteAddress,
    target: context.hostname,
  });
  connection.onGlobalRequest("x-teleport-version", () => Buffer.from(VERSION));
  connection.onGlobalRequest("recording-proxy@teleport.com", () => Buffer.from("true"));
  const admission = new ConnectionAdmission({
    ...{ context, connection, identity },
    countedBehind: options.target.facts.id !== "",
  });
  admission.onSession((channel) => {
    agentOffered ??= false;
    serveSessionChannel({ context, connection, identity, host, channel });
  });
  const audit = new ForwardingAudit({ context, connection, identity });
  const forwarding = { target, identity, audit };
  for (const type of LOCAL_FORWARDS.keys()) {
    admission.onChannel(type, (open) => void forwardToTarget(open, forwarding));
  }
  serveRemoteForwarding(connection, admission, forwarding);
  monitorConnection({ context, connection, identity });
  void connection.whenClosed.then(() => target.clientLeft());
}

/** Authentication has done the same already; what has changed since then ends the connection. */
function identify(options: ForwardedConnectionOptions): LiveIdentity | undefined {
  const { access, target, connection } = options;
  const { peerCertificate: certificate, user: login } = connection;
  try {
    if (certificate === undefined) throw accessDenied("a certificate is needed");
    return access.hold({ certificate, login, server: () => target.facts });
  } catch (error) {
    connection.disconnect(errorMessage(error));
    return undefined;
  }
}
