import { Option, type Command } from "commander";

/** Flags that every command of `tctl` takes. */
export interface GlobalFlags {
  readonly debug?: boolean;
  /** Path of teleport.yaml. */
  readonly config?: string;
  /** teleport.yaml itself, in base64. */
  readonly configString?: string;
  /** `host[:port]` of auth servers. */
  readonly authServer?: readonly string[];
  /** Path of an identity file. */
  readonly identity?: string;
}

/** Adds the flags of features.md §2. */
export function addGlobalFlags(command: Command): void {
  command
    .option("-c, --config <path>", "configuration file (default: /etc/teleport.yaml)")
    .addOption(new Option("--config-string <base64>", "configuration as base64 text").hideHelp())
    .option(
      "--auth-server <address>",
      "address of the auth server, may be repeated (default: 127.0.0.1:3025)",
      (address: string, previous: readonly string[] = []) => [...previous, address],
    )
    .option("-i, --identity <file>", "identity file made by 'tctl auth sign'");
}
