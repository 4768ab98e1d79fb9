/** The proxy service of the process: SSH on 3023 and HTTPS on 3080. */
import { startHeartbeat } from "../auth/client/heartbeat.js";
import type { ClusterView } from "../auth/client/view.js";
import { provide, type Provider } from "../di/provider.js";
import { formatAddress, parseAddress, type Address } from "../grammar/address.js";
import { createSshProxy } from "../proxy/ssh/service.js";
import { createWebProxy } from "../proxy/web/server.js";
import type { Server } from "../resources/server.js";
import { advertised, certificateNames } from "./advertise.js";
import { openClusterAccess } from "./cluster-access.js";
import { sshLimits, sshAlgorithms } from "./ssh-settings.js";
import {
  CLOCK,
  HOST,
  IDENTITIES,
  LISTENERS,
  LOCAL_AUTH,
  LOG,
  METRICS,
  PROXY_SERVICE,
  SETTINGS,
  STOPPING,
  WEB_TLS,
} from "./tokens.js";

const AUTH_PORT = 3025;

/** The provider of the proxy service. */
export const proxyProvider: Provider = provide({
  token: PROXY_SERVICE,
  needs: {
    server: LOCAL_AUTH,
    tls: WEB_TLS,
    settings: SETTINGS,
    identities: IDENTITIES,
    listeners: LISTENERS,
    host: HOST,
    log: LOG,
    clock: CLOCK,
    stopping: STOPPING,
    metrics: METRICS,
  },
  async create({
    server,
    tls,
    settings,
    identities,
    listeners,
    host,
    log: rootLog,
    clock,
    stopping,
    metrics,
  }) {
    const log = rootLog.child("proxy");
    const proxy = settings.proxy!;
    const ssh = listeners.get("proxy:ssh");
    const web = listeners.get("proxy:web");
    const sshAddress = advertised(ssh.address, proxy.sshPublicAddrs[0], settings.advertiseAddr);
    const webAddress = advertised(web.address, proxy.publicAddrs[0], settings.advertiseAddr);
    const access = await openClusterAccess({
      role: "Proxy",
      names: {
        nodeName: host.name,
        principals: [
          "localhost",
          ...certificateNames(ssh.address, sshAddress, webAddress),
          ...certificateNames(...proxy.publicAddrs, ...proxy.sshPublicAddrs, ...proxy.tunnelPublicAddrs),
        ],
      },
      kinds: ["cert_authority", "cluster_config", "node", "proxy", "auth_server", "role", "lock", "user"],
      server,
      identities,
      settings,
      host,
      log,
      clock,
      signal: stopping,
    });
    metrics.watchCluster(access.view.clusterName, () => access.view.staleSince() === undefined);
    const sshProxy = createSshProxy({
      api: access.api,
      view: access.view,
      hostId: host.id,
      hostSigners: () => access.signers,
      dataDir: settings.dataDir,
      auditPolicy: settings.auditPolicy,
      unregisteredTargets: proxy.unregisteredTargets,
      authAddresses: () =>
        authAddresses(
          access.view,
          access.servers?.order.map((address) => parseAddress(address, AUTH_PORT)) ?? [
            listeners.get("auth").address,
          ],
        ),
      algorithms: sshAlgorithms(settings),
      limits: sshLimits(settings, access.view),
      log: log.child("ssh"),
      clock,
    });
    const webProxy = await createWebProxy({
      api: access.api,
      tls,
      addresses: {
        sshListen: ssh.address,
        tunnelListen: proxy.tunnelListenAddr,
        web: proxy.publicAddrs[0],
        ssh: proxy.sshPublicAddrs[0],
        tunnel: proxy.tunnelPublicAddrs[0],
      },
      cipherSuites: settings.tlsCipherSuites?.join(":"),
      log: log.child("web"),
      clock,
    });
    const announcement: Server = {
      kind: "proxy",
      version: "v2",
      metadata: { name: host.id },
      spec: {
        addr: formatAddress(sshAddress),
        public_addr: formatAddress(webAddress),
        hostname: host.name,
      },
    };
    const heartbeat = startHeartbeat({ announce: () => access.api.upsertProxy(announcement), log, clock });
    ssh.serve((socket) => sshProxy.accept(socket));
    web.serve((socket) => webProxy.accept(socket));
    await heartbeat.announced;
    return {
      async drain() {
        await ssh.close();
        await web.close();
        await sshProxy.drain();
      },
      async close() {
        await heartbeat.close();
        await Promise.all([ssh.close(), web.close()]);
        await Promise.all([sshProxy.close(), webProxy.close()]);
        await access.close();
      },
    };
  },
  drain: (service) => service.drain(),
  close: (service) => service.close(),
});

/** The auth servers that this proxy uses itself, the one in use first, then others by their heartbeats. */
function authAddresses(view: ClusterView, known: readonly Address[]): Address[] {
  const announced = view.authServers().map(({ spec }) => parseAddress(spec.addr, AUTH_PORT));
  return [...known, ...announced];
}
