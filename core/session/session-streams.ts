/** The three streams between a channel and a program, with back-pressure in both directions. */
import type { Readable, Writable } from "node:stream";
import { errorMessage } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";
import type { SshChannel } from "../ssh/contract.js";
import type { SessionProcess } from "./session-process.js";
import type { StreamTap } from "./stream-tap.js";

/** Bytes of one session, as `session.data` reports them: `tx` to the client, `rx` from it. */
export interface SessionBytes {
  tx: number;
  rx: number;
}

/** What connecting the streams needs. */
export interface StreamOptions {
  readonly channel: SshChannel;
  readonly process: SessionProcess;
  readonly bytes: SessionBytes;
  /** Has a say in what is passed on. */
  readonly tap?: StreamTap | undefined;
  readonly log: Logger;
}

/** Output that may wait for the client's window in our memory. */
const UNDER_WAY_BYTES = 256 * 1024;

/**
 * Connects the streams. Resolves when all output has been taken by the client's window, or can no longer be; never
 * rejects. A client that reads slowly stops the program; a program that reads slowly stops the client.
 */
export async function connectStreams(options: StreamOptions): Promise<void> {
  const { channel, process, bytes, tap, log } = options;
  channel.extended.resume();
  feedInput(channel, process.stdin, bytes, tap);
  const outputs = [copyOutput(process.stdout, channel, bytes, tap)];
  if (process.stderr !== undefined) {
    outputs.push(copyErrors(process.stderr, channel, bytes));
  }
  for (const { status, reason } of (await Promise.allSettled(outputs)) as PromiseRejectedResult[]) {
    if (status === "rejected") log.debug("a session's output was cut off", { error: errorMessage(reason) });
  }
}

/** Writes to a channel; resolves when its window has taken all. */
export function written(channel: Writable, data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    channel.write(data, (error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

async function copyOutput(
  source: Readable,
  channel: SshChannel,
  bytes: SessionBytes,
  tap: StreamTap | undefined,
): Promise<void> {
  let last: Promise<void> = Promise.resolve();
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const admitted = tap?.output(chunk);
    if (admitted !== undefined) await admitted;
    last = written(channel, chunk);
    bytes.tx += chunk.length;
    // Some chunks under way at once keep the connection busy; a failure shows at the next wait.
    if (channel.writableLength >= UNDER_WAY_BYTES) await last;
    else last.catch(() => undefined);
  }
  await last;
}

async function copyErrors(source: Readable, channel: SshChannel, bytes: SessionBytes): Promise<void> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    await channel.writeExtended(chunk);
    bytes.tx += chunk.length;
  }
}

function feedInput(
  channel: SshChannel,
  stdin: Writable,
  bytes: SessionBytes,
  tap: StreamTap | undefined,
): void {
  let open = true;
  let held = false;
  const pass = (chunk: Buffer): void => {
    // What a program no longer reads is thrown away, so that the client's end of input still gets through.
    if (open && !stdin.write(chunk)) channel.pause();
  };
  const hold = async (chunk: Buffer, admitted: Promise<void>): Promise<void> => {
    held = true;
    channel.pause();
    // Where it is refused the session ends, and takes nothing more until then.
    await admitted;
    held = false;
    channel.resume();
    pass(chunk);
  };
  const resume = (): void => {
    if (!held) channel.resume();
  };
  channel.on("data", (chunk: Buffer) => {
    bytes.rx += chunk.length;
    const admitted = tap?.input(chunk);
    if (admitted === undefined) pass(chunk);
    else hold(chunk, admitted).catch(() => undefined);
  });
  channel.on("end", () => stdin.end());
  stdin.on("drain", resume);
  stdin.on("close", () => {
    open = false;
    resume();
  });
}
