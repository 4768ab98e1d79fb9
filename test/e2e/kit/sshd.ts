/** A stock sshd that trusts a test cluster, as docs/operations.md tells its administrator to set one up. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { SET_INNER_SHELL } from "../../kit/inner-shell.js";
import type { Daemon } from "./daemon.js";
import { freePorts } from "./ports.js";
import { succeed } from "./programs.js";
import { said } from "./said.js";

/** A running sshd. */
export interface StockSshd {
  readonly port: number;
  /** The name that its host certificate vouches for, where it has one. */
  readonly host: string;
  readonly child: ChildProcess;
  stop(): void;
}

/** What differs between the sshds of tests. */
export interface StockSshdOptions {
  /** A free port is taken where it is absent. */
  readonly port?: number;
  /** False leaves it with a plain host key, which nobody vouches for. */
  readonly hostCertificate?: boolean;
  /** More lines of sshd_config. */
  readonly lines?: readonly string[];
}

/** Starts sshd on a free port of the loopback; it lets in whoever the cluster's user authority certifies. */
export async function startSshd(daemon: Daemon, options: StockSshdOptions = {}): Promise<StockSshd> {
  const port = options.port ?? (await freePorts(1))[0]!;
  const folder = path.join(daemon.folder, `sshd-${port}`);
  const file = (name: string): string => path.join(folder, name);
  mkdirSync(folder, { mode: 0o700 });
  // sshd insists on its privilege separation directory, which packages make at boot.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  const host = "127.0.0.1";
  const authority = await daemon.tctl("auth", "export", "--type=user");
  writeFileSync(file("user-ca.pub"), authority.replaceAll(/^cert-authority /gm, ""));
  const hostKey = file("host");
  if (options.hostCertificate ?? true) {
    await daemon.tctl("auth", "sign", `--host=${host}`, "--format=openssh", `--out=${hostKey}`);
  } else {
    await succeed("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKey]);
  }
  writeFileSync(
    file("sshd_config"),
    [
      `Port ${port}`,
      `ListenAddress ${host}`,
      `HostKey ${hostKey}`,
      ...((options.hostCertificate ?? true) ? [`HostCertificate ${hostKey}-cert.pub`] : []),
      `TrustedUserCAKeys ${file("user-ca.pub")}`,
      `PidFile ${file("pid")}`,
      "AuthorizedKeysFile none",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "UsePAM no",
      "StrictModes no",
      "PermitRootLogin yes",
      "AllowAgentForwarding yes",
      "Subsystem sftp internal-sftp",
      SET_INNER_SHELL,
      ...(options.lines ?? []),
      "",
    ].join("\n"),
  );
  // An absolute path, because sshd starts itself again for each connection.
  const child = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", file("sshd_config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await said(child.stderr, "Server listening");
  return { port, host, child, stop: () => void child.kill() };
}
