/** Many SSH sessions that echo all the time, and notice when one misses a beat. */
import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { SshWriter } from "../../../core/pki/ssh-wire.js";
import type { SshConnection } from "../../../core/ssh/contract.js";

/** Beats of each session are this far apart. */
const BEAT_MS = 250;

/** Sessions with `cat` at the other end. */
export class EchoSessions {
  #echoes = 0;
  readonly #running: Promise<void>[] = [];
  #stopped = false;

  /** Opens `perConnection` sessions on each connection, and keeps them echoing. */
  static async open(connections: readonly SshConnection[], perConnection: number): Promise<EchoSessions> {
    const sessions = new EchoSessions();
    for (const connection of connections) {
      for (let n = 0; n < perConnection; n++) await sessions.#start(connection);
    }
    return sessions;
  }

  /** Lines that have come back. */
  get echoes(): number {
    return this.#echoes;
  }

  get count(): number {
    return this.#running.length;
  }

  /** Ends the sessions; throws where one was dropped, or answered with anything but what it was sent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #start(connection: SshConnection): Promise<void> {
    const channel = await connection.openChannel("session");
    channel.extended.resume();
    assert.ok(await channel.request("exec", true, new SshWriter().string("cat").toBuffer()));
    const running = this.#beat(channel, this.#running.length);
    running.catch(() => undefined);
    this.#running.push(running);
  }

  async #beat(channel: Duplex, session: number): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const line = `session ${session} beat ${n}\n`;
      const answered = nextLine(channel);
      channel.write(line);
      assert.equal(await answered, line);
      this.#echoes++;
      await new Promise((resolve) => setTimeout(resolve, BEAT_MS));
    }
    channel.end();
  }
}

function nextLine(channel: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (chunk: Buffer): void => {
      text += chunk.toString();
      if (!text.endsWith("\n")) return;
      channel.off("data", onData);
      channel.off("close", onClose);
      resolve(text);
    };
    const onClose = (): void => reject(new Error("a session was dropped"));
    channel.on("data", onData);
    channel.once("close", onClose);
  });
}
