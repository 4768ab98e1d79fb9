/**
 * The SSH side of the proxy (port 3023): authenticates users by certificate and connects them to nodes and to the auth
 * API. It runs no commands. Requests and replies follow wire.md §3.4-3.7.
 */
import type net from "node:net";
import { RefusalAudit } from "../../audit/refusal-audit.js";
import type { AuthApi } from "../../auth/client/api.js";
import { trustedUserAuthorities } from "../../auth/client/ssh-authorities.js";
import type { ClusterView } from "../../auth/client/view.js";
import { errorChain, errorMessage, hasCode } from "../../errors/error.js";
import type { Address } from "../../grammar/address.js";
import { VERSION } from "../../grammar/version.js";
import { SshReader } from "../../pki/ssh-wire.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import {
  OPEN_FAILURE,
  type ChannelOpen,
  type PeerRequest,
  type SshAlgorithms,
  type SshChannel,
  type SshConnection,
  type SshLimits,
  type SshSigner,
} from "../../ssh/contract.js";
import { KEEP_ALIVE_REQUEST } from "../../ssh/connection.js";
import { createSshServer } from "../../ssh/server.js";
import { socketAddresses } from "../../ssh/socket-addresses.js";
import {
  type CarryingClient,
  createForwardingServer,
  recordsAtProxy,
} from "../forwarding/forwarding-server.js";
import { createRouter } from "./router.js";
import { directTarget, parseProxySubsystem } from "./target.js";

/** What the SSH proxy needs. */
export interface SshProxyOptions {
  readonly api: AuthApi;
  readonly view: ClusterView;
  readonly hostId: string;
  readonly hostSigners: () => readonly SshSigner[];
  readonly dataDir: string;
  /** What becomes of a session at the recording proxy whose audit or recording cannot be written. */
  readonly auditPolicy: "strict" | "best_effort";
  readonly unregisteredTargets: readonly string[];
  readonly authAddresses: () => readonly Address[];
  readonly algorithms: SshAlgorithms;
  readonly limits: SshLimits;
  readonly log: Logger;
  readonly clock: Clock;
}

/** The running SSH proxy. */
export interface SshProxy {
  /** Serves one accepted connection. */
  accept(socket: net.Socket): void;
  /** Resolves when the last connection has ended. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** How long a closing proxy waits for an auth service that is away to take the last events. */
const CLOSE_PATIENCE_MS = 10_000;

/** Starts the SSH proxy; the caller owns the listener. */
export function createSshProxy(options: SshProxyOptions): SshProxy {
  const { view, log } = options;
  const refusals = new RefusalAudit((event) => options.api.emitAuditEvent(event), options);
  const forwarding = createForwardingServer({ ...options, refusals });
  const router = createRouter({ ...options, forwarding });
  const server = createSshServer({
    hostSigners: options.hostSigners,
    authorities: () => trustedUserAuthorities(view),
    algorithms: options.algorithms,
    limits: options.limits,
    onAuthFailure: (failure) => void refusals.login(failure),
    onConnection: serve,
    log,
    clock: options.clock,
  });

  function serve(client: SshConnection): void {
    client.onGlobalRequest("x-teleport-version", () => Buffer.from(VERSION));
    client.onGlobalRequest("recording-proxy@teleport.com", () => Buffer.from(String(recordsAtProxy(view))));
    client.onChannel("session", (open) => serveSession(open.accept(), client));
    client.onChannel("direct-tcpip", (open) => void serveDirect(open, client));
  }

  function serveSession(channel: SshChannel, client: SshConnection): void {
    channel.extended.resume();
    channel.on("error", (error) => log.debug("a proxy session broke", { error: error.message }));
    let taken = false;
    let offersAgent = false;
    channel.onRequest(async (request) => {
      if (request.name === "env") return true;
      if (request.name === "auth-agent-req@openssh.com" && !taken && recordsAtProxy(view)) {
        offersAgent = true;
        return true;
      }
      // One channel runs one thing (RFC 4254 §6.5); of what else a client asks for, nothing is needed to go on.
      if (taken || !["subsystem", "shell", "exec"].includes(request.name)) return false;
      taken = true;
      if (request.name === "subsystem")
        return serveSubsystem(request, channel, { connection: client, offersAgent });
      await refuse(client, channel, `(proxy) proxy doesn't support request type '${request.name}'`);
      return false;
    });
  }

  async function serveSubsystem(
    request: PeerRequest,
    channel: SshChannel,
    client: CarryingClient,
  ): Promise<boolean> {
    try {
      const name = new SshReader(request.payload).text();
      if (name === "proxysites") {
        channel.write(JSON.stringify(clusterList(view, options.clock)));
        channel.exitStatus(0);
        // The reply has to leave before CLOSE does.
        setImmediate(() => channel.close());
        return true;
      }
      const serveCarried = await router.connect(parseProxySubsystem(name), client.connection);
      void serveCarried(channel, client).then(() => channel.close());
      return true;
    } catch (error) {
      logRefusal(client.connection, error);
      await refuse(client.connection, channel, publicText(error));
      return false;
    }
  }

  async function serveDirect(open: ChannelOpen, client: SshConnection): Promise<void> {
    try {
      const reader = new SshReader(open.payload);
      const host = reader.text();
      const port = reader.uint32();
      const serveCarried = await router.connect(directTarget(host, port), client);
      const channel = open.accept();
      channel.extended.resume();
      void serveCarried(channel, { connection: client, offersAgent: undefined }).then(() => channel.close());
    } catch (error) {
      logRefusal(client, error);
      open.reject(OPEN_FAILURE.connectFailed, publicText(error));
    }
  }

  async function stop(): Promise<void> {
    await forwarding.close();
    await refusals.close();
  }

  function logRefusal(client: SshConnection, error: unknown): void {
    const level = hasCode(error, "internal") ? "error" : "info";
    log[level]("a connection was refused", {
      user: client.peerCertificate?.keyId,
      remote: client.remoteAddress,
      error: errorChain(error),
    });
  }

  return {
    accept(socket) {
      const addresses = socketAddresses(socket);
      if (addresses) server.accept(socket, addresses);
      else socket.destroy();
    },
    drain: async () => {
      await server.drain();
      await stop();
    },
    close: async () => {
      const patience = setTimeout(() => forwarding.abandon(), CLOSE_PATIENCE_MS);
      await server.close();
      await stop();
      clearTimeout(patience);
    },
  };
}

/** The list that `tsh clusters` shows. */
function clusterList(
  view: ClusterView,
  clock: Clock,
): { name: string; lastconnected: string; status: string }[] {
  return [{ name: view.clusterName, lastconnected: clock.now().toISOString(), status: "online" }];
}

/** What the client is told: the text of an error that was written for users, and nothing of any other. */
function publicText(error: unknown): string {
  return hasCode(error, "internal") ? "internal error, see the log of the proxy" : errorMessage(error);
}

/**
 * Tells the client why on its stderr; the caller answers the request with a failure, then the channel closes. Stock
 * OpenSSH ends at a failure and drops what it has not shown yet: the answer waits until the client has taken the text,
 * as its reply to what comes behind the text shows.
 */
async function refuse(client: SshConnection, channel: SshChannel, message: string): Promise<void> {
  try {
    await channel.writeExtended(Buffer.from(`${message}\r\n`));
    // It answers from one turn of its loop and shows the text in that turn or the next.
    for (let turn = 0; turn < 2; turn++) await client.globalRequest(KEEP_ALIVE_REQUEST, true);
  } catch {
    // A client that has left needs no reason.
  }
  setImmediate(() => channel.close());
}
