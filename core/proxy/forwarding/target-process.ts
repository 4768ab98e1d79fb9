/** A program on the server behind the recording proxy: a session channel to it, as a session runs it. */
import { unavailable } from "../../errors/error.js";
import { SshReader, SshWriter } from "../../pki/ssh-wire.js";
import type { Program } from "../../session/program.js";
import type { SessionLaunch } from "../../session/session-host.js";
import type { ExitStatus, SessionProcess, TerminalSize } from "../../session/session-process.js";
import type { PtyRequest } from "../../session/session-requests.js";
import { SSH_SIGNALS } from "../../session/exit-report.js";
import type { SshChannel, SshConnection } from "../../ssh/contract.js";

/** What a client's SSH program says of a channel that closed without an exit status. */
const NO_STATUS: ExitStatus = { code: 255 };

/** A program on a target. */
export interface TargetProcess extends SessionProcess {
  /** Resolves when the program has ended or was hung up: nothing more is wanted of it. */
  readonly finished: Promise<void>;
}

/** Starts a program. Throws `unavailable` with the request that the target refused, or its reason for no channel. */
export async function startTargetProcess(
  connection: SshConnection,
  launch: SessionLaunch,
): Promise<TargetProcess> {
  const channel = await connection.openChannel("session");
  const process = new ChannelProcess(channel, launch.pty !== undefined);
  try {
    await request(channel, launch);
    return process;
  } catch (error) {
    channel.close();
    throw error;
  }
}

async function request(channel: SshChannel, launch: SessionLaunch): Promise<void> {
  // As with a client of the target itself, a variable or an agent that it does not take keeps nobody out.
  for (const [name, value] of launch.environment) {
    void channel.request("env", false, new SshWriter().string(name).string(value).toBuffer());
  }
  if (launch.forwardAgent) void channel.request("auth-agent-req@openssh.com", false);
  if (launch.pty !== undefined && !(await channel.request("pty-req", true, ptyPayload(launch.pty)))) {
    throw unavailable("the remote host refuses a terminal");
  }
  const [what, name, payload] = programRequest(launch.program);
  if (!(await channel.request(name, true, payload))) throw unavailable(`the remote host refuses ${what}`);
}

function ptyPayload({ terminalType, size, modes }: PtyRequest): Buffer {
  const writer = new SshWriter().string(terminalType).uint32(size.columns).uint32(size.rows);
  return writer.uint32(0).uint32(0).string(modes).toBuffer();
}

function programRequest(program: Program): [what: string, name: string, payload?: Buffer] {
  switch (program.kind) {
    case "shell":
      return ["a shell", "shell"];
    case "exec":
      return ["to run commands", "exec", new SshWriter().string(program.command).toBuffer()];
    case "subsystem":
      return [`the subsystem ${program.name}`, "subsystem", new SshWriter().string(program.name).toBuffer()];
  }
}

class ChannelProcess implements TargetProcess {
  readonly stdin: SshChannel;
  readonly stdout: SshChannel;
  readonly stderr: SshChannel["extended"] | undefined;
  readonly exited: Promise<ExitStatus>;
  readonly finished: Promise<void>;
  #hungUp: () => void = () => undefined;
  readonly #channel: SshChannel;

  constructor(channel: SshChannel, hasTerminal: boolean) {
    this.#channel = channel;
    this.stdin = channel;
    this.stdout = channel;
    this.stderr = hasTerminal ? undefined : channel.extended;
    if (hasTerminal) channel.extended.resume();
    this.exited = new Promise((resolve) => {
      channel.onRequest(({ name, payload }) => {
        const status = readExit(name, payload);
        if (status !== undefined) resolve(status);
        return status !== undefined;
      });
      void channel.whenClosed.then(() => resolve(NO_STATUS));
    });
    const hungUp = new Promise<void>((resolve) => (this.#hungUp = resolve));
    this.finished = Promise.race([channel.whenClosed, hungUp]);
  }

  kill(signal: NodeJS.Signals): void {
    const name = signal.replace(/^SIG/, "");
    void this.#channel.request("signal", false, new SshWriter().string(name).toBuffer());
  }

  /** What becomes of a program whose channel closes is the target's to decide. */
  hangUp(): void {
    this.#channel.close();
    this.#hungUp();
  }

  resize({ columns, rows }: TerminalSize): void {
    const payload = new SshWriter().uint32(columns).uint32(rows).uint32(0).uint32(0);
    void this.#channel.request("window-change", false, payload.toBuffer());
  }
}

/** How the program ended (RFC 4254 §6.10); undefined for another request. */
function readExit(name: string, payload: Buffer): ExitStatus | undefined {
  const reader = new SshReader(payload);
  if (name === "exit-status") return { code: reader.uint32() };
  if (name !== "exit-signal") return undefined;
  const signal = reader.text();
  return SSH_SIGNALS.has(signal) ? { signal: `SIG${signal}` as NodeJS.Signals } : NO_STATUS;
}
