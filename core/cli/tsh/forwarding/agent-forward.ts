/** Agent forwarding (`-A`): programs on the node sign with keys that stay on this machine. */
import { connect } from "node:net";
import { OPEN_FAILURE, type ChannelOpen, type SshConnection } from "../../../ssh/contract.js";
import { serveAgent } from "../../../ssh/agent-server.js";
import { createSigner } from "../../../ssh/signer.js";
import type { Credentials } from "../credentials.js";
import { pipeChannel } from "./channel-pipe.js";

/** Which agent the node may ask: the one that `SSH_AUTH_SOCK` names, or one that holds the login of tsh alone. */
export type ForwardedAgent = { readonly socketPath: string } | { readonly credentials: Credentials };

/** The user's agent where one runs, unless only the login itself is wanted (`-o ForwardAgent=local`). */
export function chooseAgent(
  credentials: Credentials,
  onlyLogin: boolean,
  env: NodeJS.ProcessEnv = process.env,
): ForwardedAgent {
  const socketPath = env["SSH_AUTH_SOCK"];
  return onlyLogin || !socketPath ? { credentials } : { socketPath };
}

/** Answers the agent channels that the node opens. Ask for forwarding on a session with `auth-agent-req@openssh.com`. */
export function serveForwardedAgent(connection: SshConnection, agent: ForwardedAgent): void {
  connection.onChannel("auth-agent@openssh.com", (open) => {
    if ("socketPath" in agent) joinAgent(open, agent.socketPath);
    else void serveLogin(open, agent.credentials);
  });
}

function joinAgent(open: ChannelOpen, path: string): void {
  const socket = connect({ path, allowHalfOpen: true });
  let joined = false;
  socket.on("error", () => {
    if (!joined) open.reject(OPEN_FAILURE.connectFailed, "the agent does not answer");
    joined = true;
  });
  socket.once("connect", () => {
    joined = true;
    void pipeChannel(open.accept(), socket);
  });
}

async function serveLogin(open: ChannelOpen, credentials: Credentials): Promise<void> {
  const { privateKey, certificate, user } = credentials;
  const channel = open.accept();
  channel.extended.resume();
  const signer = createSigner(privateKey, certificate.blob);
  await serveAgent(channel, () => [{ signer, comment: `teleport:${user}` }]);
  channel.close();
}
