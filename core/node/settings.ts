import type { AccountingPaths } from "./login-records/accounting-files.js";
import type { PamSettings } from "./pam/pam-settings.js";
import type { SshAlgorithms, SshLimits } from "../ssh/contract.js";

/** A label whose value is the output of a command (`ssh_service.commands`). */
export interface LabelCommand {
  readonly name: string;
  /** Program and arguments; no shell is involved. */
  readonly command: readonly string[];
  readonly periodMs: number;
}

/** The displays that forwarded X11 may take. */
export interface X11Settings {
  /** Number of the first one; smaller ones are left to X servers of this host. */
  readonly displayOffset: number;
  /** Number of the last one. */
  readonly maxDisplay: number;
}

/** What teleport.yaml says about the node, resolved. */
export interface NodeSettings {
  /** Always `default` so far. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly commands: readonly LabelCommand[];
  /** Whether `~/.tsh/environment` of a login is read. */
  readonly permitUserEnv: boolean;
  /** How logins pass through PAM; absent where they do not. */
  readonly pam?: PamSettings | undefined;
  /** Where proxies reach this node, `host:port`. */
  readonly advertiseAddr: string;
  /** All of `public_addr`, `host:port`; the first is what 4.2 announces. */
  readonly publicAddrs?: readonly string[] | undefined;
  readonly algorithms: SshAlgorithms;
  /** Read anew for every connection, so its keepalive values may follow the cluster's configuration. */
  readonly limits: SshLimits;
  /** Whether ports and sockets are forwarded at all; the roles have to allow it besides. */
  readonly portForwarding: boolean;
  /** Absent where X11 is not forwarded; the roles have to allow it besides. */
  readonly x11?: X11Settings | undefined;
  /** Where logins are shown; where Linux keeps these files, if absent. */
  readonly accounting?: AccountingPaths | undefined;
  /** What becomes of a session whose audit or recording cannot be written; `strict` where absent. */
  readonly auditPolicy?: "strict" | "best_effort" | undefined;
  /**
   * Whether a peer (`ip:port`) may hand over a client's address (wire.md §3.7). Absent: the hosts of the registered
   * proxies and the loopback addresses.
   */
  readonly acceptProxyPrefix?: ((socketRemote: string) => boolean) | undefined;
}
