/** What `tsh ssh` does once it knows whom it works for: connect, forward, and run what was asked for. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { errorMessage, unavailable } from "../../errors/error.js";
import type { SshConnection } from "../../ssh/contract.js";
import { ExitWith } from "../program.js";
import type { Client } from "./client.js";
import { EscapeSequences } from "./escape-sequences.js";
import type { Forward } from "./forwarding/listener.js";
import { startForwards, type ForwardPlan } from "./forwarding/start-forwards.js";
import { findLabelled, runOnAll } from "./label-run.js";
import { connectNode } from "./node-connection.js";
import { connectProxy, type ProxyClient } from "./proxy-client.js";
import type { SessionWish } from "./remote-process.js";
import { sessionWishes, type SessionExtras } from "./session-wishes.js";
import { closedLine, exitCodeOf, failureLine, processStreams, runSession } from "./session.js";
import { orSignal, signalExitCode } from "./signals.js";
import type { SshTarget } from "./ssh-target.js";
import { say, warn } from "./say.js";
import { terminalSize } from "./terminal.js";

/** A call of `tsh ssh`. */
export interface SshCall extends SessionExtras {
  readonly target: SshTarget;
  /** 0 = whatever port the node is registered with. */
  readonly port: number;
  /** Empty for a shell. */
  readonly command: string;
  readonly forwards: ForwardPlan;
  /** Asks for a terminal also where there is a command. */
  readonly terminal: boolean;
  /** Only forward, until a signal comes. */
  readonly noCommand: boolean;
  /** Run the command here, once the forwards stand. */
  readonly local: boolean;
  readonly strict: boolean;
  /** Acts on `~.` and `~?` in sessions with a terminal. */
  readonly escapes: boolean;
}

/** Variables of the user's locale that go along. */
const LOCALE = ["LANG", "LANGUAGE"];

/** Runs the call and ends with {@link ExitWith} where the exit code is not 0. */
export async function runSsh(client: Client, call: SshCall): Promise<void> {
  const proxy = await connectProxy(client);
  try {
    const nodes = "labels" in call.target ? await findLabelled(proxy, client, call.target.labels) : [];
    if (nodes.length > 1 && call.command !== "" && !call.noCommand && !call.local) {
      warn("Multiple nodes matched label selector, running command on all.");
      const { login } = call.target;
      const run = { nodes, login, strict: call.strict, command: call.command, environment: locale() };
      const code = await runOnAll(proxy, client, run, processStreams());
      if (code !== 0) throw new ExitWith(code);
      return;
    }
    if (nodes.length > 1) warn("Multiple nodes match the label selector, picking first.");
    const host = "host" in call.target ? call.target.host : nodes[0]!.metadata.name;
    await runOnHost(client, proxy, call, host);
  } finally {
    proxy.close();
  }
}

async function runOnHost(client: Client, proxy: ProxyClient, call: SshCall, host: string): Promise<void> {
  const { login } = call.target;
  const connection = await connectNode(client, proxy, { host, port: call.port, login, strict: call.strict });
  let forwards: Forward[] = [];
  try {
    forwards = await startForwards(connection, call.forwards, say);
    if (call.noCommand) await untilEnd(connection);
    else if (call.local) await runLocally(call.command);
    else await runRemotely(connection, call, await sessionWishes(client, connection, call));
  } finally {
    for (const forward of forwards) forward.close();
    connection.disconnect("bye");
  }
}

async function runRemotely(
  connection: SshConnection,
  call: SshCall,
  wishes: readonly SessionWish[],
): Promise<void> {
  const isShell = call.command === "";
  const interactive = isShell || (call.terminal && process.stdin.isTTY);
  if (call.terminal && !isShell && !process.stdin.isTTY) {
    process.stderr.write("TTY will not be allocated on the server because stdin is not a terminal\n");
  }
  const exit = await runSession(
    connection,
    {
      command: isShell ? undefined : call.command,
      terminal: interactive ? { type: process.env["TERM"] || "xterm", size: terminalSize() } : undefined,
      environment: { ...locale(), ...(interactive ? { TELEPORT_SESSION: randomUUID() } : {}) },
      wishes,
    },
    {
      ...processStreams(),
      keys:
        call.escapes && interactive && process.stdin.isTTY
          ? (actions) => new EscapeSequences(actions)
          : undefined,
    },
  );
  if (isShell) process.stderr.write(closedLine(new Date()));
  const failure = interactive ? undefined : failureLine(exit);
  const code = exitCodeOf(exit);
  if (code !== 0) throw new ExitWith(code, failure);
}

/** Blocks until a signal comes, which is a success, or the connection is lost, which is none. */
async function untilEnd(connection: SshConnection): Promise<void> {
  const outcome = await orSignal(connection.whenClosed);
  if ("signal" in outcome) return;
  const reason = outcome.value === undefined ? "" : `: ${errorMessage(outcome.value)}`;
  throw unavailable(`the connection to the node has ended${reason}`);
}

async function runLocally(command: string): Promise<void> {
  if (command === "") return;
  const child = spawn(process.env["SHELL"] || "/bin/sh", ["-c", command], { stdio: "inherit" });
  // The terminal sends Ctrl-C to both: the child decides what it means.
  const outcome = await orSignal(once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>);
  if ("signal" in outcome) {
    child.kill(outcome.signal);
    throw new ExitWith(signalExitCode(outcome.signal));
  }
  const [code, signal] = outcome.value;
  if (code !== 0) throw new ExitWith(code ?? signalExitCode(signal ?? ""));
}

function locale(): Record<string, string> {
  return Object.fromEntries(LOCALE.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
