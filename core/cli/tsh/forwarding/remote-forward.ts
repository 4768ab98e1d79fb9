/** Remote forwarding (`-R`): the node listens, and its connections are made from this machine (RFC 4254 §7.1). */
import { connect, type Socket } from "node:net";
import { accessDenied, badParameter, errorMessage, unavailable } from "../../../errors/error.js";
import { SshReader, SshWriter } from "../../../pki/ssh-wire.js";
import { OPEN_FAILURE, type ChannelOpen, type SshConnection } from "../../../ssh/contract.js";
import { terminalText } from "../../terminal-text.js";
import { pipeChannel } from "./channel-pipe.js";
import { serveSocks } from "./dynamic-forward.js";
import { formatEndpoint, isSocketPath, type Endpoint } from "./endpoint.js";
import type { RemoteForwardSpec } from "./forward-spec.js";

/** The remote forwards of one connection. Channels for anything that was not asked for are refused. */
export class RemoteForwards {
  readonly #connection: SshConnection;
  readonly #report: (message: string) => void;
  readonly #standing = new Map<string, RemoteForwardSpec>();

  /** `report` is told of connections that fail; the forwards go on. */
  constructor(connection: SshConnection, report: (message: string) => void) {
    this.#connection = connection;
    this.#report = report;
    connection.onChannel("forwarded-tcpip", (open) => {
      const reader = new SshReader(open.payload);
      this.#serve(open, this.#findAddress(reader.text(), reader.uint32()));
    });
    connection.onChannel("forwarded-streamlocal@openssh.com", (open) => {
      this.#serve(open, this.#standing.get(new SshReader(open.payload).text()));
    });
  }

  /**
   * Asks the node to listen and returns where it does: the port that it has chosen, where 0 was asked for. The forward
   * ends with the connection. Throws `access_denied` where the node does not listen.
   */
  async start(spec: RemoteForwardSpec): Promise<Endpoint> {
    const { listen } = spec;
    const key = isSocketPath(listen) ? listen.path : addressKey(listen.host, listen.port);
    if (this.#standing.has(key)) throw badParameter(`${formatEndpoint(listen)} is forwarded twice`);
    // Before the answer: the first connection may come with it.
    this.#standing.set(key, spec);
    const data = isSocketPath(listen)
      ? await this.#connection.globalRequest(
          "streamlocal-forward@openssh.com",
          true,
          new SshWriter().string(listen.path).toBuffer(),
        )
      : await this.#connection.globalRequest(
          "tcpip-forward",
          true,
          new SshWriter().string(listen.host).uint32(listen.port).toBuffer(),
        );
    if (data === undefined) {
      this.#standing.delete(key);
      throw accessDenied(`the node refused to listen on ${formatEndpoint(listen)}`);
    }
    if (isSocketPath(listen) || listen.port !== 0) return listen;
    this.#standing.delete(key);
    const port = new SshReader(data).uint32();
    this.#standing.set(addressKey(listen.host, port), spec);
    return { host: listen.host, port };
  }

  /**
   * Servers may name the address that they have bound instead of the one that was asked for, and a connection may
   * come together with the answer that says which port was chosen.
   */
  #findAddress(host: string, port: number): RemoteForwardSpec | undefined {
    const exact = this.#standing.get(addressKey(host, port));
    if (exact !== undefined) return exact;
    const suffixes = [`]${port}`, "]0"];
    const likely = [...this.#standing].filter(([key]) => suffixes.some((suffix) => key.endsWith(suffix)));
    return likely.length === 1 ? likely[0]![1] : undefined;
  }

  #serve(open: ChannelOpen, spec: RemoteForwardSpec | undefined): void {
    if (spec === undefined) {
      open.reject(OPEN_FAILURE.administrativelyProhibited, "this forward was not asked for");
      return;
    }
    this.#connect(open, spec.target).catch((error: unknown) => {
      this.#report(terminalText(errorMessage(error)));
    });
  }

  async #connect(open: ChannelOpen, target: Endpoint | undefined): Promise<void> {
    if (target === undefined) {
      const channel = open.accept();
      channel.extended.resume();
      await serveSocks(channel, dial).finally(() => channel.close());
      return;
    }
    let socket: Socket;
    try {
      socket = await dial(target);
    } catch (error) {
      open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
      throw error;
    }
    await pipeChannel(open.accept(), socket);
  }
}

/** Ends in the port, so that forwards can be found by it. */
function addressKey(host: string, port: number): string {
  return `[${host}]${port}`;
}

function dial(target: Endpoint): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, allowHalfOpen: true });
    if (!isSocketPath(target)) socket.setNoDelay();
    const fail = (cause: Error): void => {
      reject(unavailable(`cannot connect to ${formatEndpoint(target)}: ${cause.message}`, { cause }));
    };
    // Stays for good: a socket that breaks before it is joined must not end the process.
    socket.on("error", fail);
    socket.once("connect", () => resolve(socket));
  });
}
