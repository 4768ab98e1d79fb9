/** Decides where a client may be connected to, connects it, and audits what is refused. The proxy is no relay. */
import type net from "node:net";
import type { AuthApi } from "../../auth/client/api.js";
import type { ClusterView } from "../../auth/client/view.js";
import { accessDenied, badParameter, errorMessage, unavailable } from "../../errors/error.js";
import { formatAddress, type Address } from "../../grammar/address.js";
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
  readonly lookupHost?: HostLookup;
}

/** Connects clients of the proxy to what they name. */
export interface Router {
  /**
   * A byte stream to the target. Throws `access_denied` for a target that is no registered node, `bad_parameter` for
   * an unknown cluster or an ambiguous name, `unavailable` where the target does not answer.
   */
  connect(target: ProxyTarget, client: SshConnection): Promise<net.Socket>;
}

/** Makes a router. */
export function createRouter(options: RouterOptions): Router {
  const { api, view } = options;

  const checkCluster = (target: ProxyTarget, client: SshConnection): void => {
    const cluster =
      target.cluster || client.peerCertificate?.extensions.get(ROUTE_EXTENSION) || view.clusterName;
    if (cluster !== view.clusterName) {
      throw badParameter(`invalid format for proxy request: unknown cluster "${cluster}"`);
    }
  };

  const audit = (target: ProxyTarget, client: SshConnection, error?: string): Promise<void> =>
    api.emitAuditEvent({
      "event": "port",
      "code": error ? "T3003E" : "T3003I",
      "addr": formatAddress({ host: target.host, port: target.port || NODE_PORT }),
      "addr.remote": client.remoteAddress,
      "addr.local": client.localAddress,
      "user": client.peerCertificate?.keyId ?? "",
      "login": client.user,
      "namespace": target.namespace,
      "success": !error,
      ...(error ? { error } : {}),
    });

  const connectAuth = async (): Promise<net.Socket> => {
    const failures: string[] = [];
    for (const address of options.authAddresses()) {
      try {
        return await connect(address);
      } catch (error) {
        failures.push(errorMessage(error));
      }
    }
    throw unavailable(`no auth server can be reached: ${failures.join("; ") || "none is registered"}`);
  };

  return {
    async connect(target, client) {
      checkCluster(target, client);
      if (target.host === "") return connectAuth();

      let node;
      try {
        node = await resolveNode(target, view.nodes(), view.clusterName, options.lookupHost);
      } catch (error) {
        await audit(target, client, errorMessage(error));
        throw error;
      }
      if (node) return dialSshServer(nodeAddress(node), client.remoteAddress);

      if (!isListedTarget(options.unregisteredTargets, target)) {
        const reason = `no node of cluster ${view.clusterName} is registered as ${target.host}`;
        await audit(target, client, reason);
        throw accessDenied(reason);
      }
      await audit(target, client);
      return dialSshServer({ host: target.host, port: target.port || NODE_PORT }, client.remoteAddress);
    },
  };
}
