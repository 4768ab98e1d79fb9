/** A cluster of several auth servers and proxies on one store, as docs/operations.md tells its administrator. */
import { freePorts } from "./ports.js";
import { startConfigured, type Daemon } from "./daemon.js";

/** The static token by which hosts of the test cluster join. */
export const JOIN_TOKEN = "static-join-token";
/** Its name, also that of the node: `node1.ha.test`. */
export const CLUSTER = "ha.test";

/** The processes of a cluster. */
export interface HighAvailabilityCluster {
  readonly auths: readonly Daemon[];
  readonly proxies: readonly Daemon[];
  readonly node: Daemon;
  /** `host:port` of the auth servers. */
  readonly authServers: readonly string[];
  /** Ends all of it. */
  remove(): Promise<void>;
}

/** Starts both auth servers at once on a store that is empty, then both proxies and the node `node1` at once. */
export async function startHighAvailability(
  storage: Record<string, unknown>,
  settings: { readonly authentication?: Record<string, unknown> } = {},
): Promise<HighAvailabilityCluster> {
  const started: Daemon[] = [];
  const remove = async (): Promise<void> =>
    void (await Promise.all(started.map((daemon) => daemon.remove())));
  const keep = (daemon: Daemon): Daemon => {
    started.push(daemon);
    return daemon;
  };
  const off = { enabled: "no" };
  const at = (port: number): string => `127.0.0.1:${port}`;
  const [auth1, auth2, web1, web2, ssh1, ssh2, node, diag1, diag2, diag3, diag4, diag5] = (await freePorts(
    12,
  )) as [number, number, number, number, number, number, number, number, number, number, number, number];
  const authServers = [at(auth1), at(auth2)];
  const startAuth = (auth: number, diag: number, nodename: string): Promise<Daemon> =>
    startConfigured(
      (dataDir) => ({
        teleport: { nodename, data_dir: dataDir, log: { severity: "INFO" }, storage },
        auth_service: {
          enabled: "yes",
          cluster_name: CLUSTER,
          listen_addr: at(auth),
          tokens: [`node,proxy:${JOIN_TOKEN}`],
          authentication: { type: "local", second_factor: "off", ...settings.authentication },
        },
        proxy_service: off,
        ssh_service: off,
      }),
      { auth, diag },
    ).then(keep);
  const startHost = (
    nodename: string,
    sections: { proxy_service: Record<string, unknown>; ssh_service: Record<string, unknown> },
    ports: { web?: number; ssh?: number; node?: number; diag: number },
  ): Promise<Daemon> =>
    startConfigured(
      (dataDir) => ({
        teleport: {
          ...{ nodename, data_dir: dataDir, log: { severity: "INFO" } },
          ...{ auth_token: JOIN_TOKEN, auth_servers: authServers },
        },
        auth_service: off,
        ...sections,
      }),
      ports,
    ).then(keep);
  const startProxy = (web: number, ssh: number, diag: number, nodename: string): Promise<Daemon> =>
    startHost(
      nodename,
      {
        proxy_service: { enabled: "yes", listen_addr: at(ssh), web_listen_addr: at(web) },
        ssh_service: off,
      },
      { web, ssh, diag },
    );
  try {
    const auths = await Promise.all([startAuth(auth1, diag1, "auth1"), startAuth(auth2, diag2, "auth2")]);
    const [first, second, theNode] = await Promise.all([
      startProxy(web1, ssh1, diag3, "proxy1"),
      startProxy(web2, ssh2, diag4, "proxy2"),
      startHost(
        "node1",
        { proxy_service: off, ssh_service: { enabled: "yes", listen_addr: at(node) } },
        { node, diag: diag5 },
      ),
    ]);
    return { auths, proxies: [first, second], node: theNode, authServers, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
