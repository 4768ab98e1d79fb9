/** Agent forwarding: a socket on this host through which a login's programs reach the client's agent. */
import { chmod, chown, mkdtemp, rmdir } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UserIdentity } from "../access/user-identity.js";
import { accessDenied } from "../errors/error.js";
import type { SshConnection } from "../ssh/contract.js";
import { relay } from "../ssh/relay.js";
import type { NodeContext } from "./node-context.js";

const AGENT_CHANNEL = "auth-agent@openssh.com";

/** The forwarded agent of one connection, made when the first session asks for it. */
export class ForwardedAgent {
  readonly #context: NodeContext;
  readonly #connection: SshConnection;
  readonly #identity: UserIdentity;
  #socket: Promise<string> | undefined;

  constructor(context: NodeContext, connection: SshConnection, identity: UserIdentity) {
    this.#context = context;
    this.#connection = connection;
    this.#identity = identity;
  }

  /** The path of the socket. Throws `access_denied` where the roles do not allow forwarding. */
  socket(): Promise<string> {
    const { access, certificate } = this.#identity;
    if (
      !access.forwardAgent(this.#connection.user) ||
      !certificate.extensions.has("permit-agent-forwarding")
    ) {
      return Promise.reject(accessDenied("agent forwarding not allowed"));
    }
    this.#socket ??= this.#listen();
    return this.#socket;
  }

  async #listen(): Promise<string> {
    const account = await this.#context.lookupAccount(this.#connection.user);
    const directory = await mkdtemp(join(tmpdir(), "teleport-"));
    const path = join(directory, `teleport-${process.pid}.socket`);
    const server = createServer({ allowHalfOpen: true }, (client) => {
      client.on("error", () => undefined);
      this.#connection.openChannel(AGENT_CHANNEL).then(
        async (channel) => {
          channel.extended.resume();
          await relay(channel, client);
          channel.close();
        },
        () => client.destroy(),
      );
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
    void this.#connection.whenClosed.then(() => {
      server.close(() => void rmdir(directory).catch(() => undefined));
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
