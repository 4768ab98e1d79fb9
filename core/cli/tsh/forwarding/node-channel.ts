import { SshWriter } from "../../../pki/ssh-wire.js";
import type { SshChannel, SshConnection } from "../../../ssh/contract.js";
import { isSocketPath, type Endpoint } from "./endpoint.js";

/**
 * A channel through which the node connects to an endpoint: `direct-tcpip` (RFC 4254 §7.2), or
 * `direct-streamlocal@openssh.com` for a Unix socket (OpenSSH PROTOCOL §2.4). Throws with the node's words.
 */
export function openNodeChannel(connection: SshConnection, target: Endpoint): Promise<SshChannel> {
  if (isSocketPath(target)) {
    const payload = new SshWriter().string(target.path).string("").uint32(0);
    return connection.openChannel("direct-streamlocal@openssh.com", payload.toBuffer());
  }
  // As 4.2 names the origin: the client's local sockets are nobody's business.
  const payload = new SshWriter().string(target.host).uint32(target.port).string("0.0.0.0").uint32(0);
  return connection.openChannel("direct-tcpip", payload.toBuffer());
}
