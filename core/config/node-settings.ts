import type { Address } from "../grammar/address.js";
import type { StartFlags } from "./flags.js";
import { parseLabelFlag } from "./label-flag.js";
import type { NodeLabels } from "./label-flag.js";
import type { FileConfig } from "./schema/file.js";

/** Settings of the node service. */
export interface NodeSettings {
  readonly listenAddr: Address;
  readonly publicAddrs: readonly Address[];
  readonly namespace: string;
  readonly labels: NodeLabels;
  /** Whether sessions get the variables of `~/.tsh/environment`. */
  readonly permitUserEnv: boolean;
  /** `pam:`; absent unless it is enabled. */
  readonly pam: PamSettings | undefined;
}

/** How logins pass through PAM. */
export interface PamSettings {
  /** The file of /etc/pam.d. */
  readonly service: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the `auth` modules run too. */
  readonly authenticate: boolean;
}

/** Settings of the node service from its section; `--labels` replaces fixed labels and commands alike. */
export function resolveNode(section: FileConfig["sshService"] = {}, flags: StartFlags): NodeSettings {
  const commands = (section.commands ?? []).map(({ name, command, period }) => ({
    name,
    command,
    periodMs: period,
  }));
  return {
    listenAddr: section.listenAddr ?? { host: "0.0.0.0", port: 3022 },
    publicAddrs: section.publicAddr ?? [],
    namespace: "default",
    labels: flags.labels ? parseLabelFlag(flags.labels) : { fixed: section.labels ?? {}, commands },
    permitUserEnv: flags.permitUserEnv ?? section.permitUserEnv ?? false,
    pam: resolvePam(section.pam),
  };
}

function resolvePam(section: NonNullable<FileConfig["sshService"]>["pam"]): PamSettings | undefined {
  if (section?.enabled !== true) return undefined;
  return {
    service: section.serviceName ?? "sshd",
    environment: section.environment ?? {},
    authenticate: section.usePamAuth ?? false,
  };
}
