/** Connections of our own SSH client to a test cluster's node, for tests of many channels or connections. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parsePrivateKey } from "../../../core/pki/keys.js";
import { parseAuthorizedKey } from "../../../core/pki/ssh-key.js";
import { SshReader, SshWriter } from "../../../core/pki/ssh-wire.js";
import { connectSsh } from "../../../core/ssh/client.js";
import type { SshConnection, SshSigner } from "../../../core/ssh/contract.js";
import { createSigner } from "../../../core/ssh/signer.js";
import { INNER_SHELL } from "../../kit/inner-shell.js";
import type { Daemon } from "./daemon.js";
import { LOGIN } from "./ways.js";
import type { SshClient } from "./users.js";

/** The key and certificate of a client's folder. */
export function signerOf({ folder }: SshClient): SshSigner {
  const read = (name: string): string => readFileSync(path.join(folder, name), "utf8");
  return createSigner(parsePrivateKey(read("id")), parseAuthorizedKey(read("id-cert.pub")).blob);
}

/** Connects to the node without the proxy. The host is not checked: other tests do. */
export function connectToNode(daemon: Daemon, signer: SshSigner): Promise<SshConnection> {
  return connectSsh({
    stream: { host: "127.0.0.1", port: daemon.ports.node },
    user: LOGIN,
    signers: () => Promise.resolve([signer]),
    verifyHost: () => undefined,
  });
}

/** Runs a command on a channel of its own and returns its output; any exit status other than 0 fails. */
export async function execute(connection: SshConnection, command: string): Promise<string> {
  const channel = await connection.openChannel("session");
  let status: number | undefined;
  let output = "";
  channel.onRequest(({ name, payload }) => {
    if (name === "exit-status") status = new SshReader(payload).uint32();
    return false;
  });
  channel.on("data", (chunk: Buffer) => (output += chunk.toString()));
  channel.extended.resume();
  channel.end();
  const { name, value } = INNER_SHELL;
  await channel.request("env", false, new SshWriter().string(name).string(value).toBuffer());
  if (!(await channel.request("exec", true, new SshWriter().string(command).toBuffer()))) {
    throw new Error(`"${command}" was refused`);
  }
  await channel.whenClosed;
  if (status !== 0) throw new Error(`"${command}" ended with ${String(status)}`);
  return output;
}
