/** Stock OpenSSH programs for conformance tests: their files, and processes that are ended with the test. */
import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "mocha";
import { privateKeyPem } from "../../../core/pki/keys.js";
import { sshCertificateLine } from "../../../core/pki/ssh-certificate.js";
import { formatKeyLine } from "../../../core/pki/ssh-key.js";
import type { SshSigner } from "../../../core/ssh/contract.js";
import { freePorts } from "../../e2e/kit/ports.js";
import { SET_INNER_SHELL } from "../../kit/inner-shell.js";

/** Skips the test with a printed reason where a program is missing; fails instead where CI=true. */
export function needPrograms(context: Context, ...paths: string[]): void {
  for (const path of paths) {
    try {
      accessSync(path, constants.X_OK);
    } catch {
      if (process.env.CI === "true") throw new Error(`${path} is missing`);
      console.log(`      skipped: ${path} is missing`);
      context.skip();
    }
  }
}

/** What a finished program left. */
export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A directory and processes that `dispose` removes. */
export class OpenSsh {
  readonly directory = mkdtempSync(join(tmpdir(), "ssh-test-"));
  readonly #children: ChildProcess[] = [];

  /** Writes private key and certificate where ssh and sshd expect them; gives the path of the key. */
  writeSigner(name: string, signer: SshSigner): string {
    const path = this.write(name, opensshPem(signer), 0o600);
    if (signer.certificate !== undefined)
      this.write(`${name}-cert.pub`, sshCertificateLine(signer.certificate));
    this.write(`${name}.pub`, formatKeyLine(signer.publicBlob));
    return path;
  }

  /** Writes a file. */
  write(name: string, content: string, mode = 0o644): string {
    const path = join(this.directory, name);
    writeFileSync(path, content, { mode });
    return path;
  }

  /** Starts a program that is ended with the test, at the latest. */
  start(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
    const env = { PATH: process.env.PATH, HOME: this.directory, ...environment };
    const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => undefined);
    this.#children.push(child);
    return child;
  }

  /** Runs a program to its end. */
  run(
    program: string,
    args: readonly string[],
    input: Buffer | string = "",
    environment: NodeJS.ProcessEnv = {},
  ): Promise<ProgramResult> {
    const child = this.start(program, args, environment);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin?.end(input);
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (status) =>
        resolve({ status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
      );
    });
  }

  /** Arguments for a stock client without any configuration of the machine: one authority line, one key. */
  clientArguments(
    port: number,
    keyPath: string,
    hostAuthority: Buffer,
    options: readonly string[] = [],
  ): string[] {
    const known = this.write("known_hosts", `@cert-authority * ${formatKeyLine(hostAuthority)}`);
    return [
      ...["-F", "none", "-p", String(port), "-i", keyPath],
      ...[
        "-o",
        `UserKnownHostsFile=${known}`,
        "-o",
        "GlobalKnownHostsFile=none",
        "-o",
        "StrictHostKeyChecking=yes",
      ],
      ...["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ControlMaster=no"],
      ...options.flatMap((option) => ["-o", option]),
    ];
  }

  /** Starts sshd on a free port; resolves when it listens. */
  async startSshd(
    hostKeyPath: string,
    userAuthority: Buffer,
    lines: readonly string[] = [],
  ): Promise<{ port: number; pid: number }> {
    mkdirSync("/run/sshd", { recursive: true });
    const [port] = (await freePorts(1)) as [number];
    const config = this.write(
      "sshd_config",
      [
        `Port ${String(port)}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${hostKeyPath}`,
        `HostCertificate ${hostKeyPath}-cert.pub`,
        `TrustedUserCAKeys ${this.write("user_ca.pub", formatKeyLine(userAuthority))}`,
        "AuthorizedKeysFile none",
        SET_INNER_SHELL,
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
        "StrictModes no",
        `PidFile ${join(this.directory, "sshd.pid")}`,
        ...lines,
        "",
      ].join("\n"),
    );
    const child = this.start("/usr/sbin/sshd", ["-D", "-e", "-f", config]);
    await new Promise<void>((resolve, reject) => {
      let log = "";
      child.stderr?.on("data", (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes("Server listening")) resolve();
      });
      child.on("close", () => reject(new Error(`sshd ended: ${log}`)));
    });
    return { port, pid: child.pid ?? 0 };
  }

  /** Ends what still runs and removes the directory. */
  dispose(): void {
    for (const child of this.#children) if (child.exitCode === null) child.kill("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function opensshPem(signer: SshSigner): string {
  if (signer.privateKey === undefined) throw new Error("no private key");
  return signer.keyType === "ssh-ed25519" ? openSshEd25519(signer) : privateKeyPem(signer.privateKey);
}

/** OpenSSH reads Ed25519 keys in its own format only (PROTOCOL.key). */
function openSshEd25519(signer: SshSigner): string {
  const jwk = signer.privateKey?.export({ format: "jwk" });
  const field = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const text = (value: string): Buffer => field(Buffer.from(value));
  const pub = Buffer.from(jwk?.x ?? "", "base64url");
  const seed = Buffer.from(jwk?.d ?? "", "base64url");
  const secret = Buffer.concat([
    Buffer.alloc(8, 1),
    text("ssh-ed25519"),
    field(pub),
    field(Buffer.concat([seed, pub])),
    text(""),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (secret.length % 8)) % 8));
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    text("none"),
    text("none"),
    text(""),
    Buffer.from([0, 0, 0, 1]),
    field(signer.publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
  const base64 = body.toString("base64").replace(/.{1,70}/g, "$&\n");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64}-----END OPENSSH PRIVATE KEY-----\n`;
}
