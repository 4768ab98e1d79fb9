/** Decides where a client may be connected to, connects it, and audits what is refused. The proxy is no relay. */
import type net from "node:net";
import type { AuthApi } from "../../auth/client/api.js";
import type { ClusterView } from "../../auth/client/view.js";
import { accessDenied, badParameter, errorMessage, unavailable } from "../../errors/error.js";
import { formatAddress, type Address } from "../../grammar/address.js";
import type { Clock } from "../../plugin/clock.js";
import type { SshConnection } from "../../ssh/contract.js";
import { dialSshServer, connect } from "./dial-node.js";
import { NODE_PORT, nodeAddress, resolveNode, type HostLookup } from "./resolve-node.js";
import type { ProxyTarget } from "./target.js";
import { isListedTarget } from "./unregistered-targets.js";

const ROUTE_EXTENSION = "teleport-route-to-cluster";

/** What the router works with. */
export interface RouterOptions {
  readonly api: AuthApi;
  readonly view: ClusterView;
  /** Patterns of `proxy_service.unregistered_targets`. */
  readonly unregisteredTargets: readonly string[];
  /** Addresses of auth servers, preferred first. */
  readonly authAddresses: () => readonly Address[];
  readonly clock: Clock;
  readonly lookupHost?: HostLookup;
}

/** Connects clients of the proxy to what they name. */
export interface Router {
  /**
   * A byte stream to the target. Throws `access_denied` for a target that is no registered node, `bad_parameter` for
   * an unknown cluster or an ambiguous name, `not_found` for the UUID of no node, `unavailable` where the target does
   * not answer. What is refused is audited, and so is every connection that no node audits; without the audit there is
   * none.
   */
  connect(target: ProxyTarget, client: SshConnection): Promise<net.Socket>;
}

/** What a target turned out to be. */
type Route = { readonly to: "auth" } | { readonly to: "node" | "listed"; readonly address: Address };

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

  /** Throws for what the client may not reach. */
  const findRoute = async (target: ProxyTarget, client: SshConnection): Promise<Route> => {
    checkCluster(target, client);
    if (target.host === "") return { to: "auth" };
    const node = await resolveNode(target, view.nodes(), view.clusterName, options.lookupHost);
    if (node) return { to: "node", address: nodeAddress(node) };
    const address = { host: target.host, port: target.port || NODE_PORT };
    if (isListedTarget(options.unregisteredTargets, address)) return { to: "listed", address };
    throw accessDenied(`no node of cluster ${view.clusterName} is registered as ${target.host}`);
  };

  const audit = (target: ProxyTarget, client: SshConnection, failure?: unknown): Promise<void> =>
    api.emitAuditEvent({
      "event": "port",
      "code": failure === undefined ? "T3003I" : "T3003E",
      "addr": formatAddress({ host: target.host, port: target.port || NODE_PORT }),
      "addr.remote": client.remoteAddress,
      "addr.local": client.localAddress,
      "user": client.peerCertificate?.keyId ?? "",
      "login": client.user,
      "namespace": target.namespace,
      "success": failure === undefined,
      ...(failure === undefined ? {} : { error: errorMessage(failure) }),
    });

  const connectAuth = async (): Promise<net.Socket> => {
    const failures: string[] = [];
    for (const address of options.authAddresses()) {
      try {
        return await connect(address, clock);
      } catch (error) {
        failures.push(errorMessage(error));
      }
    }
    throw unavailable(`no auth server can be reached: ${failures.join("; ") || "none is registered"}`);
  };

  return {
    async connect(target, client) {
      const auditFailure = async (error: unknown): Promise<never> => {
        await audit(target, client, error);
        throw error;
      };
      const route = await findRoute(target, client).catch(auditFailure);
      if (route.to === "auth") return connectAuth();
      if (route.to === "node") return dialSshServer(route.address, client.remoteAddress, clock);

      const socket = await dialSshServer(route.address, client.remoteAddress, clock).catch(auditFailure);
      try {
        await audit(target, client);
      } catch (error) {
        socket.destroy();
        throw error;
      }
      return socket;
    },
  };
}
