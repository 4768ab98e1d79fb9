/** The SSH connection to a node, carried inside a channel of the proxy. */
import { errorMessage, hasCode, unavailable } from "../../errors/error.js";
import type { SshChannel, SshConnection } from "../../ssh/contract.js";
import type { Client } from "./client.js";
import { LoginRefused, logInToHost } from "./host-login.js";
import type { NodeTarget, ProxyClient } from "./proxy-client.js";

/** A login on a node. */
export interface NodeLogin {
  /** As the user typed it, or a UUID. The node must prove this name. */
  readonly host: string;
  /** 0 = whatever port it is registered with. */
  readonly port: number;
  readonly login: string;
  /** False takes any host key. */
  readonly strict?: boolean;
}

/** How the proxy says that several nodes have the name. */
const AMBIGUOUS = "err-node-is-ambiguous";

/** Several nodes have the name that was asked for. */
export class AmbiguousNode extends Error {
  constructor(readonly host: string) {
    super("ambiguous host could match multiple nodes");
  }
}

/**
 * Connects and logs in. Throws {@link AmbiguousNode}, `unavailable` where the node is not reached, `access_denied`
 * where it does not let the user in or has not proven its name.
 */
export async function connectNode(
  client: Client,
  proxy: ProxyClient,
  node: NodeLogin,
): Promise<SshConnection> {
  const { host, port, login, strict = true } = node;
  const { cluster, credentials, trust } = client;
  try {
    return await logInToHost({
      open: () => dialNode(proxy, { host, port, cluster }),
      host,
      cluster,
      trust,
      now: new Date(),
      login,
      credentials,
      strict,
      mayAsk: !client.isIdentity,
    });
  } catch (error) {
    if (error instanceof LoginRefused) {
      throw new LoginRefused(`access denied to ${login} connecting to ${host} on cluster ${cluster}`, error);
    }
    throw error;
  }
}

/** A byte stream to a node's SSH server. Throws {@link AmbiguousNode}, and `unavailable` where the node is not reached. */
export async function dialNode(proxy: ProxyClient, target: NodeTarget): Promise<SshChannel> {
  try {
    return await proxy.dialNode(target);
  } catch (cause) {
    if (errorMessage(cause).includes(AMBIGUOUS)) throw new AmbiguousNode(target.host);
    if (!hasCode(cause, "unavailable") && !hasCode(cause, "access_denied")) throw cause;
    throw unavailable(`failed connecting to node ${target.host}. ${errorMessage(cause)}`, { cause });
  }
}
