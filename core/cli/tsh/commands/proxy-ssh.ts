import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { badParameter } from "../../../errors/error.js";
import { parseAddress } from "../../../grammar/address.js";
import { withExamples } from "../../program.js";
import { readGlobalFlags } from "../global-flags.js";
import { dialNode } from "../node-connection.js";
import { connectProxy } from "../proxy-client.js";
import { withClient } from "../relogin.js";

/** `tsh proxy ssh`: a node's SSH server on stdin and stdout, for `ProxyCommand` of OpenSSH. */
export function configure(command: Command): void {
  command
    .argument("<[user@]host[:port]>", "node, as for tsh ssh; port 22 means the port it is registered with")
    .option("--cluster <name>", "cluster of the node")
    .action((target: string, { cluster }: { cluster?: string }) => {
      const { host, port } = readTarget(target);
      const flags = readGlobalFlags(command);
      return withClient(cluster === undefined ? flags : { ...flags, cluster }, async (client) => {
        const proxy = await connectProxy(client);
        try {
          const channel = await dialNode(proxy, { host, port, cluster: client.cluster });
          process.stdin.pipe(channel);
          await pipeline(channel, process.stdout, { end: false });
        } finally {
          process.stdin.unpipe();
          process.stdin.pause();
          proxy.close();
        }
      });
    });
  withExamples(command, "ssh -o ProxyCommand='tsh proxy ssh %r@%h:%p' root@node1");
}

/** The user in front of the host is the node's business: ssh logs in there itself. */
function readTarget(text: string): { host: string; port: number } {
  const address = text.slice(text.lastIndexOf("@") + 1);
  if (address === "") throw badParameter(`invalid host '${text}', expected [user@]host[:port]`);
  // ssh writes IPv6 addresses without brackets.
  const [, host, port] = /^([0-9a-fA-F:]*:[0-9a-fA-F:]*):(\d+)$/.exec(address) ?? [];
  return host === undefined ? parseAddress(address, 0) : parseAddress(`[${host}]:${port}`, 0);
}
