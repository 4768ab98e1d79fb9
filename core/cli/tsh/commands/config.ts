import { resolve } from "node:path";
import type { Command } from "commander";
import { badParameter } from "../../../errors/error.js";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { openState } from "../client.js";
import { readGlobalFlags } from "../global-flags.js";
import { opensshConfig } from "../openssh-config.js";
import { connectProxy } from "../proxy-client.js";
import { withClient } from "../relogin.js";

/** `tsh config`: the OpenSSH configuration for the nodes of all clusters behind the proxy. */
export function configure(command: Command): void {
  command.option("--cluster <name>", "only for this cluster").action(({ cluster }: { cluster?: string }) => {
    const flags = readGlobalFlags(command);
    if (flags.identity !== undefined) {
      throw badParameter(
        "ssh cannot read an identity file: make files for it with tctl auth sign --format=openssh",
      );
    }
    return withClient(flags, async (client) => {
      const { profile } = client;
      const proxy = await connectProxy(client);
      const names = await proxy.clusters().finally(() => proxy.close());
      const { keys, knownHosts } = openState();
      const { TELEPORT_HOME: home } = process.env;
      const text = opensshConfig({
        profile,
        clusters: cluster === undefined ? names.map(({ name }) => name) : [cluster],
        knownHosts: resolve(knownHosts.writeForOpenSsh()),
        key: resolve(keys.pathsOf(profile.web.host, profile.user).key),
        certificate: resolve(keys.pathsOf(profile.web.host, profile.user).certificate),
        tsh: resolve(process.argv[1] ?? "tsh"),
        home: home ? resolve(home) : undefined,
      });
      await printToStdout(text);
    });
  });
  withExamples(
    command,
    "tsh config >> ~/.ssh/config                     # then: ssh root@node1.example.com",
    "tsh config > teleport.cfg                       # then: ssh -F teleport.cfg root@node1.example.com",
  );
}
