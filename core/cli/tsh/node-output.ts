/**
 * Outputs of several nodes on one terminal. A node's output is held back until the node is done and then shown in one
 * piece, so that outputs never mix. A node that says more than is held back takes the terminal and streams from then
 * on; the others wait for it, and are slowed down once they have said as much themselves.
 */
import { Writable } from "node:stream";

const MAX_HELD_BYTES = 4 * 1024 * 1024;

/** The terminal that nodes share. */
export class SharedOutput {
  readonly #stdout: Writable;
  readonly #stderr: Writable;
  /** Resolves when the terminal is free again. */
  #turn: Promise<void> = Promise.resolve();

  constructor(stdout: Writable, stderr: Writable) {
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** The output of one node. */
  open(): NodeOutput {
    return new NodeOutput(this.#stdout, this.#stderr, () => this.#take());
  }

  /** Waits for the terminal; it is the caller's until the returned function is called. */
  async #take(): Promise<() => void> {
    const before = this.#turn;
    let release: () => void = () => undefined;
    this.#turn = new Promise((resolve) => (release = resolve));
    await before;
    return release;
  }
}

/** One node's two streams. Close it after the node's last byte. */
export class NodeOutput {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly #take: () => Promise<() => void>;
  #held: [target: Writable, chunk: Buffer][] = [];
  #heldBytes = 0;
  #release: Promise<() => void> | undefined;

  constructor(stdout: Writable, stderr: Writable, take: () => Promise<() => void>) {
    this.#take = take;
    this.stdout = this.#stream(stdout);
    this.stderr = this.#stream(stderr);
  }

  /** Shows what is held back and lets the next node have the terminal. */
  async close(): Promise<void> {
    const release = await this.#show();
    release();
  }

  #stream(target: Writable): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#held.push([target, chunk]);
        this.#heldBytes += chunk.length;
        if (this.#release === undefined && this.#heldBytes <= MAX_HELD_BYTES) done();
        else this.#show().then(() => done(), done);
      },
    });
  }

  /** Takes the terminal, unless the node has it, and writes what is held back in the order in which it came. */
  async #show(): Promise<() => void> {
    this.#release ??= this.#take();
    const release = await this.#release;
    const held = this.#held;
    this.#held = [];
    for (const [target, chunk] of held) {
      await new Promise<void>((resolve, reject) => {
        target.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    }
    return release;
  }
}
