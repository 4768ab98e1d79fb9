/** A program on a node: the client's side of a `session` channel (RFC 4254 §6). */
import { accessDenied, unavailable } from "../../errors/error.js";
import { SshReader, SshWriter } from "../../pki/ssh-wire.js";
import type { PeerRequest, SshChannel, SshConnection } from "../../ssh/contract.js";
import { terminalText } from "../terminal-text.js";

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What to run. */
export interface RemoteProgram {
  /** Without a command, a login shell. */
  readonly command?: string | undefined;
  /** Asks for a terminal. */
  readonly terminal?: { readonly type: string; readonly size: TerminalSize } | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Made before the program is started. */
  readonly wishes?: readonly SessionWish[];
}

/** A channel request that the program can do without, such as one for agent forwarding. */
export interface SessionWish {
  readonly name: string;
  readonly payload?: Buffer;
  readonly onRefused: () => void;
}

/** How a program ended. */
export type RemoteExit = { readonly code: number } | { readonly signal: string };

/** A program that has been started. Its channel carries stdin and stdout; `channel.extended` is stderr. */
export interface RemoteProcess {
  readonly channel: SshChannel;
  /** Resolves once the channel is closed. Throws `unavailable` where the program's end is not known. */
  readonly exit: Promise<RemoteExit>;
  resize(size: TerminalSize): void;
}

const PIXELS_PER_CHARACTER = 8;
/** TTY_OP_END: no terminal modes are asked for (RFC 4254 §8). */
const NO_MODES = Buffer.of(0);
const MAX_REASON_BYTES = 4096;

/** Starts a program. Throws `access_denied` where the node refuses, with its words where it gave some. */
export async function startRemoteProcess(
  connection: SshConnection,
  { command, terminal, environment, wishes = [] }: RemoteProgram,
): Promise<RemoteProcess> {
  const channel = await connection.openChannel("session");
  const exit = exitOf(channel, connection);
  // A caller that fails before it asks for the exit must not leave a rejection behind.
  exit.catch(() => undefined);

  // Sent together: each answer would cost a round trip. Variables that the node does not take are no failure.
  for (const [name, value] of Object.entries(environment)) {
    void channel.request("env", true, new SshWriter().string(name).string(value).toBuffer());
  }
  for (const { name, payload, onRefused } of wishes) {
    void channel.request(name, true, payload).then((taken) => (taken ? undefined : onRefused()));
  }
  const granted = await Promise.all([
    terminal === undefined ? true : channel.request("pty-req", true, ptyRequest(terminal)),
    command === undefined
      ? channel.request("shell", true)
      : channel.request("exec", true, new SshWriter().string(command).toBuffer()),
  ]);
  if (granted.includes(false))
    throw await refusal(channel, granted[0] ? "start the program" : "give a terminal");
  return {
    channel,
    exit,
    resize({ columns, rows }) {
      const size = new SshWriter().uint32(columns).uint32(rows).uint32(0).uint32(0);
      void channel.request("window-change", false, size.toBuffer());
    },
  };
}

function ptyRequest({ type, size }: { type: string; size: TerminalSize }): Buffer {
  return new SshWriter()
    .string(type)
    .uint32(size.columns)
    .uint32(size.rows)
    .uint32(size.columns * PIXELS_PER_CHARACTER)
    .uint32(size.rows * PIXELS_PER_CHARACTER)
    .string(NO_MODES)
    .toBuffer();
}

async function exitOf(channel: SshChannel, connection: SshConnection): Promise<RemoteExit> {
  let exit: RemoteExit | undefined;
  channel.onRequest((request) => {
    exit ??= readExit(request);
    return false;
  });
  await channel.whenClosed;
  if (exit !== undefined) return exit;
  // The channel closes just before its connection does.
  const lost = await Promise.race([
    connection.whenClosed,
    new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
  ]);
  throw unavailable(`the session ended without an exit status${lost ? `: ${lost.message}` : ""}`, {
    cause: lost,
  });
}

function readExit({ name, payload }: PeerRequest): RemoteExit | undefined {
  if (name === "exit-status") return { code: new SshReader(payload).uint32() };
  if (name === "exit-signal") return { signal: terminalText(new SshReader(payload).text()) };
  return undefined;
}

async function refusal(channel: SshChannel, what: string): Promise<Error> {
  let reason = "";
  channel.extended.on("data", (chunk: Buffer) => {
    if (reason.length < MAX_REASON_BYTES) reason += chunk.toString("utf8");
  });
  channel.resume();
  channel.close();
  await channel.whenClosed;
  return accessDenied(terminalText(reason.trim()) || `the node refused to ${what}`);
}
