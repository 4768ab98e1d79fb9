import type { CommandLabel, Server } from "../resources/server.js";
import type { NodeSettings } from "./settings.js";

/** The node's heartbeat (wire.md §6.4). `expires` is the heartbeat's business. */
export function nodeServer(
  host: { readonly hostId: string; readonly hostname: string },
  settings: NodeSettings,
  commands: Record<string, CommandLabel>,
): Server {
  const [publicAddr, ...others] = settings.publicAddrs ?? [];
  return {
    kind: "node",
    version: "v2",
    metadata: { name: host.hostId, labels: { ...settings.labels } },
    spec: {
      addr: settings.advertiseAddr,
      ...(publicAddr === undefined ? {} : { public_addr: publicAddr }),
      ...(publicAddr === undefined || others.length === 0 ? {} : { public_addrs: [publicAddr, ...others] }),
      hostname: host.hostname,
      ...(Object.keys(commands).length === 0 ? {} : { cmd_labels: commands }),
    },
  };
}
