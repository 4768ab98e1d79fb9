/** The forwarded connections of one SSH connection: carried with their audit, and ended together. */
import type { Socket } from "node:net";
import { errorMessage } from "../errors/error.js";
import type { SshChannel, SshConnection } from "../ssh/contract.js";
import { relay } from "../ssh/relay.js";
import type { Forward, ForwardingAudit, ForwardKind } from "./forwarding-audit.js";

/** The channel that brings a connection to the client. */
export interface ChannelToClient {
  readonly type: string;
  readonly payload?: Uint8Array;
}

interface Held {
  readonly kind: ForwardKind;
  readonly end: () => void;
}

const ALL_KINDS: ReadonlySet<ForwardKind> = new Set(["local", "remote", "listener", "agent", "x11"]);

/** What is forwarded over one SSH connection at the moment. */
export class Forwards {
  readonly #connection: SshConnection;
  readonly #audit: ForwardingAudit;
  readonly #held = new Set<Held>();
  readonly #carrying = new Set<Promise<void>>();
  #withdrawn: ReadonlySet<ForwardKind> = new Set();

  constructor(connection: SshConnection, audit: ForwardingAudit) {
    this.#connection = connection;
    this.#audit = audit;
    void connection.whenClosed.then(() => this.withdraw(ALL_KINDS));
  }

  /** Copies bytes until both ends have ended, and tells how many they were. Never rejects. */
  carry(forward: Forward, channel: SshChannel, socket: Socket): Promise<void> {
    const carrying = this.#carry(forward, channel, socket);
    this.#carrying.add(carrying);
    return carrying.finally(() => this.#carrying.delete(carrying));
  }

  /** Resolves when all that is carried has ended and is on record. Never rejects. */
  async idle(): Promise<void> {
    while (this.#carrying.size > 0) await Promise.all(this.#carrying);
  }

  async #carry(forward: Forward, channel: SshChannel, socket: Socket): Promise<void> {
    const release = this.hold(forward.kind, () => socket.destroy());
    channel.extended.resume();
    await relay(channel, socket);
    channel.close();
    release();
    await this.#audit.ended(forward, { tx: socket.bytesRead, rx: socket.bytesWritten });
  }

  /**
   * Brings a connection that was made on this host to the client, once its event is on record. The socket is owned from
   * here on. Never rejects.
   */
  async bring(forward: Forward, socket: Socket, to: ChannelToClient): Promise<void> {
    socket.on("error", () => undefined);
    let channel: SshChannel;
    try {
      await this.#audit.connected(forward);
      channel = await this.#connection.openChannel(to.type, to.payload);
    } catch (error) {
      socket.destroy();
      await this.#audit.failed(forward, errorMessage(error));
      return;
    }
    await this.carry(forward, channel, socket);
  }

  /**
   * Remembers how to end something that is forwarded, until the returned function is called. What belongs to a kind
   * that has been withdrawn meanwhile is ended at once.
   */
  hold(kind: ForwardKind, end: () => void): () => void {
    if (this.#withdrawn.has(kind)) {
      end();
      return () => undefined;
    }
    const held = { kind, end };
    this.#held.add(held);
    return () => this.#held.delete(held);
  }

  /** Ends what is forwarded of these kinds, listeners too, and lets no more of them begin; all others may. */
  withdraw(kinds: ReadonlySet<ForwardKind>): void {
    this.#withdrawn = kinds;
    for (const held of [...this.#held]) {
      if (!kinds.has(held.kind)) continue;
      this.#held.delete(held);
      held.end();
    }
  }
}
