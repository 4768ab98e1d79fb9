/** Decides where a client may be connected to, connects it, and audits what is refused. The proxy is no relay. */
import type net from "node:net";
import { identifyUser, mayForwardPorts } from "../../access/user-identity.js";
import { auditEvent } from "../../audit/catalogue.js";
import type { AuthApi } from "../../auth/client/api.js";
import { staggered } from "../../auth/client/staggered.js";
import type { ClusterView } from "../../auth/client/view.js";
import { accessDenied, badParameter, errorMessage, unavailable } from "../../errors/error.js";
import { formatAddress, type Address } from "../../grammar/address.js";
import type { Clock } from "../../plugin/clock.js";
import type { SshConnection } from "../../ssh/contract.js";
import { relay } from "../../ssh/relay.js";
import { connectTcp } from "../../ssh/tcp-connect.js";
import { type ForwardingServer, recordsAtProxy, type ServeCarried } from "../forwarding/forwarding-server.js";
import { type ForwardingTarget, nodeTarget, unregisteredTarget } from "../forwarding/target.js";
import { dialSshServer } from "./dial-node.js";
import { NODE_PORT, nodeAddress, resolveNode, type HostLookup } from "./resolve-node.js";
import type { ProxyTarget } from "./target.js";
import { isListedTarget } from "./unregistered-targets.js";

/** How long an auth server may take to accept before the next one is tried beside it. */
const AUTH_STEP_MS = 750;
const ROUTE_EXTENSION = "teleport-route-to-cluster";

/** What the router works with. */
export interface RouterOptions {
  readonly api: AuthApi;
  readonly view: ClusterView;
  /** Patterns of `proxy_service.unregistered_targets`. */
  readonly unregisteredTargets: readonly string[];
  /** Addresses of auth servers, preferred first. */
  readonly authAddresses: () => readonly Address[];
  /** Stands in for targets where sessions are recorded at the proxy. */
  readonly forwarding: ForwardingServer;
  readonly clock: Clock;
  readonly lookupHost?: HostLookup;
}

/** Connects clients of the proxy to what they name. */
export interface Router {
  /**
   * What serves the client's channel. Throws `access_denied` for a target that is no registered node and not listed, or
   * that the client's roles do not open, `bad_parameter` for an unknown cluster or an ambiguous name, `not_found` for the
   * UUID of no node, `unavailable` where the target does not answer. What is refused is audited, and so is every
   * connection that no node audits; without the audit there is none. Where sessions are recorded at the proxy any target
   * is served, and dialled once the client has logged in to its stand-in.
   */
  connect(target: ProxyTarget, client: SshConnection): Promise<ServeCarried>;
}

/** What a target turned out to be. */
type Route =
  | { readonly to: "auth" }
  | { readonly to: "node" | "listed"; readonly address: Address }
  | { readonly to: "recorded"; readonly target: ForwardingTarget };

/** Makes a router. */
export function createRouter(options: RouterOptions): Router {
  const { api, view, clock } = options;

  const checkCluster = (target: ProxyTarget, client: SshConnection): void => {
    const cluster =
      target.cluster || client.peerCertificate?.extensions.get(ROUTE_EXTENSION) || view.clusterName;
    if (cluster !== view.clusterName) {
      throw badParameter(`invalid format for proxy request: unknown cluster "${cluster}"`);
    }
  };

  /** No node checks the roles of who reaches an unregistered server, which has no labels: a role must grant all of it. */
  const checkRoles = (client: SshConnection, namespace: string): void => {
    if (client.peerCertificate === undefined) throw accessDenied("a certificate is needed");
    const identity = identifyUser(client.peerCertificate, view);
    if (!mayForwardPorts(identity)) throw accessDenied("port forwarding not allowed");
    const decision = identity.access.checkServer({ namespace, labels: {} }, client.user);
    if (!decision.allowed) throw accessDenied(`${decision.publicText}: ${decision.reason}`);
  };

  /** Throws for what the client may not reach. */
  const findRoute = async (target: ProxyTarget, client: SshConnection): Promise<Route> => {
    checkCluster(target, client);
    if (target.host === "") return { to: "auth" };
    const node = await resolveNode(target, view.nodes(), view.clusterName, options.lookupHost);
    const address = node ? nodeAddress(node) : { host: target.host, port: target.port || NODE_PORT };
    if (recordsAtProxy(view)) {
      // Roles are checked at the login in the target's place, where the login is known.
      return {
        to: "recorded",
        target: node
          ? nodeTarget(node, { ...target, address }, view.clusterName)
          : unregisteredTarget(address, target.namespace, view.clusterName),
      };
    }
    if (node) return { to: "node", address };
    if (!isListedTarget(options.unregisteredTargets, address)) {
      throw accessDenied(`no node of cluster ${view.clusterName} is registered as ${target.host}`);
    }
    checkRoles(client, target.namespace);
    return { to: "listed", address };
  };

  const audit = (target: ProxyTarget, client: SshConnection, failure?: unknown): Promise<void> =>
    api.emitAuditEvent(
      auditEvent("port", failure === undefined ? "success" : "failure", {
        "addr": formatAddress({ host: target.host, port: target.port || NODE_PORT }),
        "addr.remote": client.remoteAddress,
        "addr.local": client.localAddress,
        "user": client.peerCertificate?.keyId ?? "",
        "login": client.user,
        "success": failure === undefined,
        "error": failure === undefined ? undefined : errorMessage(failure),
      }),
    );

  const connectAuth = async (): Promise<net.Socket> => {
    const attempts = options.authAddresses().map((address) => ({ begin: () => connectTcp(address, clock) }));
    try {
      const discard = (socket: net.Socket): void => void socket.destroy();
      return await staggered(attempts, { stepMs: AUTH_STEP_MS, clock, discard });
    } catch (error) {
      throw unavailable(`no auth server can be reached: ${errorMessage(error)}`, { cause: error });
    }
  };

  return {
    async connect(target, client) {
      const auditFailure = async (error: unknown): Promise<never> => {
        await audit(target, client, error);
        throw error;
      };
      const route = await findRoute(target, client).catch(auditFailure);
      if (route.to === "auth") return relayTo(await connectAuth());
      if (route.to === "recorded") return options.forwarding.standInFor(route.target);
      if (route.to === "node") {
        return relayTo(await dialSshServer(route.address, client.remoteAddress, clock));
      }

      const socket = await dialSshServer(route.address, client.remoteAddress, clock).catch(auditFailure);
      try {
        await audit(target, client);
      } catch (error) {
        socket.destroy();
        throw error;
      }
      return relayTo(socket);
    },
  };
}

function relayTo(socket: net.Socket): ServeCarried {
  return (channel) => relay(channel, socket);
}
