/** What the peers of a session type, in order of arrival, into its one terminal. */
import type { Writable } from "node:stream";
import type { SshChannel } from "../ssh/contract.js";

/** The input of a terminal. A program that reads slowly stops those who type. */
export class TerminalInput {
  readonly #stdin: Writable;
  readonly #channels = new Set<SshChannel>();
  #open = true;

  constructor(stdin: Writable) {
    this.#stdin = stdin;
    stdin.on("drain", () => this.#resume());
    stdin.on("close", () => this.close());
  }

  /** Passes on what comes by the channel until that is closed, as far as `accepts` agrees to each piece. */
  attach(channel: SshChannel, accepts: (data: Buffer) => boolean): void {
    this.#channels.add(channel);
    void channel.whenClosed.then(() => this.#channels.delete(channel));
    channel.on("data", (data: Buffer) => {
      // What a program no longer reads is thrown away, so that the client's end of input still gets through.
      if (!accepts(data) || !this.#open) return;
      if (!this.#stdin.write(data)) for (const each of this.#channels) each.pause();
    });
  }

  /** Throws away what comes from now on. */
  close(): void {
    this.#open = false;
    this.#resume();
  }

  #resume(): void {
    for (const channel of this.#channels) channel.resume();
  }
}
