/** Agent forwarding: a socket on this host through which a login's programs reach the client's agent. */
import { chmod, chown, mkdtemp, rmdir } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessDenied } from "../errors/error.js";
import type { ConnectionForwarding } from "./connection-forwarding.js";

const AGENT_CHANNEL = "auth-agent@openssh.com";

/** The forwarded agent of one connection, made when the first session asks for it. */
export class ForwardedAgent {
  readonly #forwarding: ConnectionForwarding;
  #socket: Promise<string> | undefined;

  constructor(forwarding: ConnectionForwarding) {
    this.#forwarding = forwarding;
  }

  /** The path of the socket. Throws `access_denied` where the roles do not allow forwarding. */
  socket(): Promise<string> {
    const refusal = this.#forwarding.agentRefusal();
    if (refusal !== undefined) return Promise.reject(accessDenied(refusal));
    this.#socket ??= this.#listen().catch((error: unknown) => {
      // The next session may have more luck.
      this.#socket = undefined;
      throw error;
    });
    return this.#socket;
  }

  async #listen(): Promise<string> {
    const { context, connection, forwards } = this.#forwarding;
    await this.#forwarding.admission();
    const account = await context.lookupAccount(connection.user);
    const directory = await mkdtemp(join(tmpdir(), "teleport-"));
    const name = `teleport-${process.pid}.socket`;
    const path = join(directory, name);
    const server = createServer(
      { allowHalfOpen: true },
      (client) =>
        void forwards.bring({ kind: "agent", addr: `unix:${path}` }, client, { type: AGENT_CHANNEL }),
    );
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
    const forget = await context.openSockets.addAgentFolder(directory, name);
    forwards.hold("agent", () => {
      this.#socket = undefined;
      server.close(
        () =>
          void rmdir(directory)
            .catch(() => undefined)
            .then(forget),
      );
    });
    // The folder stays the daemon's, so that what is below it can be trusted; the socket alone is the user's.
    if (process.getuid?.() === 0) {
      await chmod(directory, 0o711);
      await chown(path, account.uid, account.gid);
    }
    await chmod(path, 0o600);
    return path;
  }
}
