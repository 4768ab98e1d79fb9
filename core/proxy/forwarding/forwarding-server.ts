/**
 * The recording proxy (`session_recording: proxy`): instead of passing a client's bytes on to a target, it is an SSH server
 * in the target's place, and the target's client with the agent that the user forwards. Reading order: target.ts (where it
 * leads), forwarded-connection.ts (what it passes on), target-connection.ts and target-process.ts (the other side).
 */
import { join } from "node:path";
import type { RefusalAudit } from "../../audit/refusal-audit.js";
import type { AuthApi } from "../../auth/client/api.js";
import { trustedUserAuthorities } from "../../auth/client/ssh-authorities.js";
import type { ClusterView } from "../../auth/client/view.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import { LiveAccess } from "../../session/live-access.js";
import { OpenSessions } from "../../session/open-sessions.js";
import { startRecordingUpload } from "../../session/recording-upload.js";
import { configuredRecording, type SessionContext } from "../../session/session-context.js";
import type { SshAlgorithms, SshChannel, SshConnection, SshLimits, SshSigner } from "../../ssh/contract.js";
import { createSshServer } from "../../ssh/server.js";
import { serveForwardedConnection } from "./forwarded-connection.js";
import { HostCertificates } from "./host-certificates.js";
import { TargetRegistries, type TargetRegistry } from "./target-registries.js";
import { type ForwardingTarget, targetName } from "./target.js";

/** What the recording proxy needs. */
export interface ForwardingServerOptions {
  readonly api: AuthApi;
  readonly view: ClusterView;
  readonly hostId: string;
  readonly hostSigners: () => readonly SshSigner[];
  readonly dataDir: string;
  readonly auditPolicy: "strict" | "best_effort";
  readonly algorithms: SshAlgorithms;
  readonly limits: SshLimits;
  readonly refusals: RefusalAudit;
  readonly log: Logger;
  readonly clock: Clock;
}

/** A client's connection to the proxy, in which another one to a target is carried. */
export interface CarryingClient {
  readonly connection: SshConnection;
  /** Whether the client has offered its agent on the carrying channel; undefined where it could not. */
  readonly offersAgent: boolean | undefined;
}

/** Serves a carried connection until it ends. Never rejects. */
export type ServeCarried = (channel: SshChannel, client: CarryingClient) => Promise<void>;

/** SSH servers in the place of targets. */
export interface ForwardingServer {
  /** Makes ready to stand in for a target. Throws `unavailable` where the proxy gets no host certificate for it. */
  standInFor(target: ForwardingTarget): Promise<ServeCarried>;
  /** Resolves when the last session is on record; the caller has ended the connections that carried them, or waits for it. */
  close(): Promise<void>;
  /** Waits no longer for an auth service that is away. */
  abandon(): void;
}

/** Whether clients are served by a {@link ForwardingServer}, as the cluster is configured now. */
export function recordsAtProxy(view: ClusterView): boolean {
  return view.clusterConfig().spec.session_recording === "proxy";
}

/** Makes the recording proxy, and finishes what an earlier one left behind. */
export function createForwardingServer(options: ForwardingServerOptions): ForwardingServer {
  const { api, view, hostId, auditPolicy, refusals, log, clock } = options;
  // A node of the same host has recordings and open sessions of its own.
  const dataDir = join(options.dataDir, "proxy");
  const stopping = new AbortController();
  const access = new LiveAccess({ view, clock, log });
  const registries = new TargetRegistries();
  const shared: Omit<SessionContext, "hostname" | "namespace" | "labels" | "sessions" | "target"> = {
    ...{ api, view, dataDir, auditPolicy, refusals, log, clock },
    service: "proxy",
    serverId: hostId,
    // Also where the mode has changed since the connection was made: nobody else records it.
    recording: () => configuredRecording(view),
    openSessions: new OpenSessions(join(dataDir, "open-sessions"), log),
    stopping: stopping.signal,
  };
  const contextOf = (target: ForwardingTarget, { sessions }: TargetRegistry): SessionContext => ({
    ...shared,
    sessions,
    target: targetName(target),
    hostname: target.facts.hostname,
    namespace: target.facts.namespace,
    labels: () => target.facts.labels,
  });
  const uploads = startRecordingUpload(shared);
  const hostCertificates = new HostCertificates({ api, view, clock });

  return {
    async standInFor(target) {
      const signer = await hostCertificates.signer(target.presentedNames);
      return async (channel, carrying) => {
        const registry = registries.of(target);
        const context = contextOf(target, registry);
        const server = createSshServer({
          hostSigners: () => [signer],
          algorithms: options.algorithms,
          limits: options.limits,
          authorities: () => trustedUserAuthorities(view),
          authorize: ({ certificate, user: login }) => {
            access.authorize({ certificate, login, server: () => target.facts });
          },
          onAuthFailure: (failure) => void refusals.login(failure),
          onConnection: (connection) =>
            serveForwardedConnection({ ...options, context, access, target, connection, carrying }),
          log,
          clock,
        });
        const { remoteAddress, localAddress } = carrying.connection;
        server.accept(channel, { remote: remoteAddress, local: localAddress });
        await server.drain();
        registry.release();
      };
    },
    close: async () => {
      await registries.idle();
      access.close();
      hostCertificates.close();
      await uploads.close();
    },
    abandon: () => stopping.abort(),
  };
}
