/** The node service of the process: SSH sessions on 3022. */
import { startHeartbeat } from "../auth/client/heartbeat.js";
import { provide, type Provider } from "../di/provider.js";
import { formatAddress } from "../grammar/address.js";
import { checkPam } from "../node/pam/pam-settings.js";
import { createNodeService } from "../node/node-service.js";
import { advertised, certificateNames } from "./advertise.js";
import { openClusterAccess } from "./cluster-access.js";
import { sshAlgorithms, sshLimits } from "./ssh-settings.js";
import {
  CLOCK,
  HOST,
  IDENTITIES,
  LISTENERS,
  LOCAL_AUTH,
  LOG,
  METRICS,
  NODE_SERVICE,
  SETTINGS,
  STOPPING,
} from "./tokens.js";

/** The provider of the node service. */
export const nodeProvider: Provider = provide({
  token: NODE_SERVICE,
  needs: {
    server: LOCAL_AUTH,
    settings: SETTINGS,
    identities: IDENTITIES,
    listeners: LISTENERS,
    host: HOST,
    log: LOG,
    clock: CLOCK,
    stopping: STOPPING,
    metrics: METRICS,
  },
  async create({ server, settings, identities, listeners, host, log: rootLog, clock, stopping, metrics }) {
    const log = rootLog.child("node");
    const node = settings.node!;
    if (node.pam !== undefined) await checkPam(node.pam);
    const listener = listeners.get("node");
    const address = advertised(listener.address, undefined, settings.advertiseAddr);
    const access = await openClusterAccess({
      role: "Node",
      names: {
        nodeName: host.name,
        principals: certificateNames(listener.address, address, ...node.publicAddrs),
      },
      kinds: ["cert_authority", "cluster_config", "role", "lock", "user", "proxy"],
      server,
      identities,
      settings,
      host,
      log,
      clock,
      signal: stopping,
    });
    const service = createNodeService({
      api: access.api,
      view: access.view,
      hostId: host.id,
      hostname: host.name,
      hostSigners: () => access.signers,
      settings: {
        namespace: node.namespace,
        labels: node.labels.fixed,
        commands: node.labels.commands,
        permitUserEnv: node.permitUserEnv,
        pam: node.pam,
        portForwarding: node.portForwarding,
        x11: node.x11,
        advertiseAddr: formatAddress(address),
        publicAddrs: node.publicAddrs.map(formatAddress),
        algorithms: sshAlgorithms(settings),
        limits: sshLimits(settings, access.view),
        auditPolicy: settings.auditPolicy,
      },
      dataDir: settings.dataDir,
      log,
      clock,
    });
    metrics.countInteractiveSessions(() => service.interactiveSessions());
    metrics.watchCluster(access.view.clusterName, () => access.view.staleSince() === undefined);
    await service.ready;
    const heartbeat = startHeartbeat({
      announce: () => access.api.upsertNode(service.server()),
      keepAlive: (keepAlives) => access.api.keepAliveNode(keepAlives),
      log,
      clock,
    });
    service.onChange(() => heartbeat.changed());
    listener.serve((socket) => service.accept(socket));
    await heartbeat.announced;
    return {
      async drain() {
        await listener.close();
        await service.drain();
      },
      async close() {
        await heartbeat.close();
        await listener.close();
        await service.close();
        await access.close();
      },
    };
  },
  drain: (service) => service.drain(),
  close: (service) => service.close(),
});
