import type { Command } from "commander";
import type { StartFlags } from "../../config/flags.js";
import { withExamples } from "../program.js";

/** `teleport start`: runs the daemon until a signal ends it (features.md §1.2). */
export function configure(command: Command): void {
  command
    .option("--insecure-no-tls", "serve the web listener without TLS")
    .option("-r, --roles <list>", "services to run: proxy, node, auth (comma separated)")
    .option("--pid-file <path>", "write the process id to a file")
    .option("--advertise-ip <address>", "address that is announced to the cluster")
    .option("-l, --listen-ip <ip>", "IP that all services listen on")
    .option("--auth-server <address>", "address of the auth server to join")
    .option("--token <token>", "join token, or the path of a file that holds it")
    .option("--ca-pin <pin>", "pin of the cluster's certificate authority: sha256:<hex>")
    .option("--nodename <name>", "name of this host, instead of its hostname")
    .option("-c, --config <path>", "configuration file (default: /etc/teleport.yaml)")
    .option("--bootstrap <path>", "resources that the first start of a cluster loads")
    .option("--labels <labels>", "labels of this node: k=v,k2=v2")
    .option("--insecure", "do not verify certificates of other components")
    .option("--fips", "run in FIPS mode")
    .option("--config-string <base64>", "configuration as base64 text")
    .option("--diag-addr <address>", "serve health, readiness and metrics on this address")
    .option("--permit-user-env", "let sessions read ~/.tsh/environment")
    .action(async (_flags: StartFlags, start: Command) => {
      const { startFromCommandLine } = await import("../../process/start.js");
      await startFromCommandLine(start.optsWithGlobals<StartFlags>());
    });
  withExamples(
    command,
    "teleport start                                  # auth, proxy and node, with /etc/teleport.yaml if there is one",
    "teleport start --roles=node --token=TOKEN --ca-pin=sha256:HEX --auth-server=auth.example.com",
    "teleport start -c /etc/teleport.yaml --diag-addr=127.0.0.1:3434",
  );
}
