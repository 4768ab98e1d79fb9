/**
 * Remote forwarding, as `ssh -R` asks for it: listeners on this host whose connections go to the client, on TCP ports
 * (RFC 4254 §7.1) and on Unix sockets (OpenSSH PROTOCOL §2.4).
 *
 * Ports are bound to the loopback address alone, whatever address the client names: a bastion's hosts shall not offer
 * what users forward to their whole network.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { accessDenied, badParameter, errorMessage, limitExceeded, unavailable } from "../errors/error.js";
import { type Address, formatAddress } from "../grammar/address.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import type { Forward } from "../session/forwarding-audit.js";
import type { ChannelToClient } from "../session/forwards.js";
import type { PeerRequest, RequestReply, SshConnection } from "../ssh/contract.js";
import type { ConnectionForwarding } from "./connection-forwarding.js";

const MAX_LISTENERS = 256;
const MAX_PORT = 65_535;
const FIRST_UNPRIVILEGED_PORT = 1024;

/** Answers a connection's requests for remote forwarding. Listeners end with the connection. */
export function serveRemoteForwarding(
  forwarding: ConnectionForwarding,
  admission: Pick<SshConnection, "onGlobalRequest">,
): void {
  const listeners = new RemoteListeners(forwarding);
  admission.onGlobalRequest("tcpip-forward", (request) => listeners.openPort(readAddress(request)));
  admission.onGlobalRequest("cancel-tcpip-forward", (request) =>
    listeners.cancel(portName(readAddress(request))),
  );
  admission.onGlobalRequest("streamlocal-forward@openssh.com", (request) =>
    listeners.openSocket(readPath(request)),
  );
  admission.onGlobalRequest("cancel-streamlocal-forward@openssh.com", (request) =>
    listeners.cancel(socketName(readPath(request))),
  );
}

class RemoteListeners {
  readonly #forwarding: ConnectionForwarding;
  /** How to close each listener, by what the client calls it. */
  readonly #listening = new Map<string, () => void>();

  constructor(forwarding: ConnectionForwarding) {
    this.#forwarding = forwarding;
  }

  /** Port 0 asks for any; the reply then holds the one that was taken. */
  async openPort(asked: Address): Promise<RequestReply> {
    const wanted = { host: asked.host === "::1" ? "::1" : "127.0.0.1", port: asked.port };
    const opened = await this.#open({ kind: "listener", addr: formatAddress(wanted) }, async () => {
      await this.#checkPort(asked.port);
      return this.#listenOnPort(asked, wanted);
    });
    if (opened === undefined) return false;
    return asked.port === 0 ? new SshWriter().uint32(opened).toBuffer() : true;
  }

  async openSocket(path: string): Promise<RequestReply> {
    const addr = `unix:${path}`;
    const opened = await this.#open({ kind: "listener", addr }, async () => {
      const { context, connection, sockets } = this.#forwarding;
      let open = true;
      const to = {
        type: "forwarded-streamlocal@openssh.com",
        payload: new SshWriter().string(path).string("").toBuffer(),
      };
      const listener = await sockets.listen(path, (socket) => {
        if (open) this.#bring(addr, socket, to);
        else socket.destroy();
      });
      listener.server.maxConnections = context.settings.limits.maxChannels;
      const remove = context.openSockets.addSocket(connection.user, path, listener.is);
      this.#remember(socketName(path), () => {
        open = false;
        // Its file goes first: a client that finds it expects somebody behind it.
        void remove().finally(() => listener.server.close());
      });
      return true;
    });
    return opened ?? false;
  }

  /** Closes a listener; what came in through it goes on. False where there is none of that name. */
  cancel(name: string): boolean {
    const close = this.#listening.get(name);
    close?.();
    return close !== undefined;
  }

  /** Undefined where the listener is refused or cannot be opened, which is then on record. */
  async #open<T>(forward: Forward, open: () => Promise<T>): Promise<T | undefined> {
    const { audit, context, connection } = this.#forwarding;
    try {
      const refusal = this.#forwarding.portRefusal();
      if (refusal !== undefined) throw accessDenied(refusal);
      await this.#forwarding.admission();
      if (this.#listening.size >= MAX_LISTENERS) {
        throw limitExceeded(`more than ${MAX_LISTENERS} listeners on one connection`);
      }
      await audit.connected(forward);
      return await open();
    } catch (error) {
      // The protocol's answer has no room for a reason.
      context.log.info("a remote forwarding was refused", {
        login: connection.user,
        addr: forward.addr,
        error: errorMessage(error),
      });
      await audit.failed(forward, errorMessage(error));
      return undefined;
    }
  }

  async #checkPort(port: number): Promise<void> {
    if (port > MAX_PORT) throw badParameter("there is no such port");
    if (port === 0 || port >= FIRST_UNPRIVILEGED_PORT) return;
    const { context, connection } = this.#forwarding;
    const { uid } = await context.lookupAccount(connection.user);
    if (uid !== 0) throw accessDenied(`only root may listen on ports below ${FIRST_UNPRIVILEGED_PORT}`);
  }

  #listenOnPort(asked: Address, wanted: Address): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true });
      server.maxConnections = this.#forwarding.context.settings.limits.maxChannels;
      server.on("error", (cause) =>
        reject(unavailable(`listen tcp ${formatAddress(wanted)}: ${errorMessage(cause)}`, { cause })),
      );
      server.listen(wanted, () => {
        const { port } = server.address() as AddressInfo;
        const addr = formatAddress({ host: wanted.host, port });
        server.on("connection", (socket) => {
          // The client knows its forwarding by the address that it asked for.
          const payload = new SshWriter().string(asked.host).uint32(port);
          payload.string(socket.remoteAddress ?? "").uint32(socket.remotePort ?? 0);
          this.#bring(addr, socket, { type: "forwarded-tcpip", payload: payload.toBuffer() });
        });
        this.#remember(portName({ host: asked.host, port }), () => server.close());
        resolve(port);
      });
    });
  }

  #bring(addr: string, socket: Socket, to: ChannelToClient): void {
    void this.#forwarding.forwards.bring({ kind: "remote", addr }, socket, to);
  }

  #remember(name: string, close: () => void): void {
    let release = (): void => undefined;
    this.#listening.set(name, () => {
      this.#listening.delete(name);
      release();
      close();
    });
    release = this.#forwarding.forwards.hold("listener", () => this.cancel(name));
  }
}

function readAddress({ payload }: PeerRequest): Address {
  const reader = new SshReader(payload);
  return { host: reader.text(), port: reader.uint32() };
}

function readPath({ payload }: PeerRequest): string {
  return new SshReader(payload).text();
}

const portName = (address: Address): string => `tcp:${formatAddress(address)}`;
const socketName = (path: string): string => `unix:${path}`;
