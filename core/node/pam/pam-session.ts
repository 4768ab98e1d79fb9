/**
 * The process of one session on a node with PAM, as a program: root, with a terminal or pipes as its standard streams
 * and an IPC channel to the daemon. It opens the PAM session, starts the user's program, stays until that has ended, and
 * closes the PAM session, also where the daemon dies before.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { errorMessage, hasCode, unavailable } from "../../errors/error.js";
import type { ExitStatus } from "../../session/session-process.js";
import { type Launch, launchCommand, type LaunchTools } from "../launcher.js";
import { hangUpGroup, signalGroup } from "../process-group.js";
import { loadPamLibrary } from "./pam-library.js";
import { programEnvironment } from "./pam-environment.js";
import type { PamOrder, PamReport, PamRequest } from "./pam-messages.js";
import { dropStandardStreams } from "./null-streams.js";
import { PamTransaction } from "./pam-transaction.js";
import { OwnLimits } from "./resource-limits.js";

/** With this argument the program only tells whether PAM can be used. */
const CHECK = "--check";

const STDOUT = 1;
const STDERR = 2;
const CANNOT_START = 255;

/** initgroups(3); the types of Node leave it out. */
const { initgroups } = process as unknown as { initgroups: (login: string, gid: number) => void };

if (process.argv[2] === CHECK) check();
else if (process.send === undefined) fail("pam-session is started by the daemon only");
else process.once("message", (request) => serve(request as PamRequest));

function check(): void {
  try {
    loadPamLibrary();
  } catch (error) {
    fail(errorMessage(error));
  }
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}

function report(message: PamReport, then: () => void = () => undefined): void {
  // Where the daemon has died nobody listens, and the session is closed all the same.
  if (process.connected) process.send?.(message, then);
}

/** Reports for the last time, which ends the process. */
function leaveWith(message: PamReport): void {
  report(message, () => process.connected && process.disconnect());
}

function serve(request: PamRequest): void {
  let transaction: PamTransaction | undefined;
  const ownLimits = new OwnLimits();
  try {
    process.umask(0o022);
    // Before credentials are established, so that modules may add groups (pam_setcred(3)).
    initgroups.call(process, request.login, request.gid);
    transaction = new PamTransaction(request);
    if (request.authenticate) transaction.authenticate();
    transaction.checkAccount();
    if (request.launch === undefined) {
      transaction.end();
      leaveWith({ kind: "admitted" });
      return;
    }
    transaction.openSession();
    const limits = ownLimits.takeBack();
    tell(transaction, request.terminal !== undefined);
    const environment = programEnvironment(request.launch.environment, transaction.environment());
    const program = start({ ...request.launch, environment }, request.tools, limits);
    dropStandardStreams();
    attend(program, transaction);
  } catch (error) {
    ownLimits.takeBack();
    transaction?.end();
    leaveWith({ kind: "refused", denied: hasCode(error, "access_denied"), reason: errorMessage(error) });
  }
}

/** Shows what modules have said, such as the message of the day. Without a terminal, output is data: only errors are shown. */
function tell({ messages }: PamTransaction, hasTerminal: boolean): void {
  for (const { isError, text } of messages) {
    if (hasTerminal || isError) writeSync(hasTerminal ? STDOUT : STDERR, `${text.replace(/\n$/, "")}\n`);
  }
}

/** Starts the program in a session of its own; a terminal becomes its controlling one. */
function start(launch: Launch, tools: LaunchTools, limits: readonly string[]): ChildProcess {
  const { setsid, prlimit } = tools;
  if (setsid === undefined || prlimit === undefined) throw unavailable("PAM needs util-linux; install it");
  const command = launchCommand(tools, { ...launch, keepsGroupsAndUmask: true });
  const steps = [
    ...(launch.terminalModes === undefined ? [setsid] : [setsid, "--ctty"]),
    ...(limits.length === 0 ? [] : [prlimit, ...limits]),
    ...[command.file, ...command.args],
  ] as [string, ...string[]];
  return spawn(steps[0], steps.slice(1), { stdio: "inherit", env: command.environment, cwd: "/" });
}

function attend(program: ChildProcess, transaction: PamTransaction): void {
  const exited = new Promise<ExitStatus>((resolve) => {
    program.once("exit", (code, signal) =>
      resolve(signal === null ? { code: code ?? CANNOT_START } : { signal }),
    );
    program.once("error", () => resolve({ code: CANNOT_START }));
  });
  const { pid } = program;
  if (pid !== undefined) {
    let running = true;
    const hangUp = (): void => {
      if (running) hangUpGroup(pid, exited);
    };
    process.on("message", (message) => {
      const order = message as PamOrder;
      if ("hangUp" in order) hangUp();
      else if (running) signalGroup(pid, order.signal);
    });
    process.once("disconnect", hangUp);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, hangUp);
    void exited.then(() => {
      running = false;
    });
    report({ kind: "started", pid });
  }
  void exited.then((status) => {
    report({ kind: "exited", status });
    leaveWith({ kind: "closed", problems: transaction.end() });
  });
}
