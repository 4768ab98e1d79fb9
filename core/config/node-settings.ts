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
  /** Whether ports and sockets are forwarded where the roles allow it. */
  readonly portForwarding: boolean;
  /** The displays for X11 forwarding; absent where it is off. */
  readonly x11: { readonly displayOffset: number; readonly maxDisplay: number } | undefined;
}

/** How logins pass through PAM. */
export interface PamSettings {
  /** The file of /etc/pam.d. */
  readonly service: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the `auth` modules run too. */
  readonly authenticate: boolean;
}

/** `x11.display_offset` where it is not given. */
export const DISPLAY_OFFSET = 10;
const DISPLAYS = 1_000;

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
    portForwarding: section.portForwarding ?? true,
    x11: section.x11?.enabled === true ? displays(section.x11) : undefined,
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

function displays(section: { displayOffset?: number | undefined; maxDisplay?: number | undefined }): {
  displayOffset: number;
  maxDisplay: number;
} {
  const displayOffset = section.displayOffset ?? DISPLAY_OFFSET;
  return { displayOffset, maxDisplay: section.maxDisplay ?? displayOffset + DISPLAYS };
}
