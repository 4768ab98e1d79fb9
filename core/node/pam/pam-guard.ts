/**
 * The daemon's side of a session's own process, its guard. Everything that PAM does happens there, so that a module
 * that hangs, or changes its process, does neither to the daemon.
 */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { fileURLToPath } from "node:url";
import { accessDenied, unavailable } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { ExitStatus } from "../../session/session-process.js";
import { type LaunchTools, ownCommand } from "../launcher.js";
import { signalGroup } from "../process-group.js";
import type { PamOrder, PamReport, PamRequest } from "./pam-messages.js";

/**
 * The program pam-session.ts, as a command. It has one thread, so that nothing allocates memory while a module keeps the
 * runtime under the limits that it sets for the program (see resource-limits.ts).
 */
export const PAM_SESSION = [
  process.execPath,
  "--single-threaded",
  fileURLToPath(new URL("./pam-session.js", import.meta.url)),
];

/** How long modules may take to open a session, as sshd's LoginGraceTime. */
const OPENING_MS = 120_000;
/** Standard streams and the IPC channel. */
const DESCRIPTORS = 4;

/** What a guard is started with. */
export interface GuardOptions {
  readonly request: PamRequest;
  readonly tools: LaunchTools;
  readonly log: Logger;
  readonly clock: Clock;
  /** Standard input, output and errors of the program. */
  readonly streams: readonly [number, number, number] | "ignore";
}

/** A guard whose program runs. */
export interface Guard {
  /** The guard's own process. */
  readonly pid: number;
  /** Resolves when the program has ended; PAM's session is closed after that. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Gives an order, which comes to nothing once the program has ended. */
  order(order: PamOrder): void;
}

/** Passes a login through PAM without a session. Throws `access_denied`, or `unavailable` where PAM does not answer. */
export async function admitByPam(options: GuardOptions): Promise<void> {
  await opened(startGuard(options), options);
}

/**
 * Opens a session and starts its program. Throws `access_denied` with what PAM says, or `unavailable` where PAM does not
 * answer.
 */
export async function startGuarded(options: GuardOptions): Promise<Guard> {
  const guard = startGuard(options);
  const exited = watch(guard, options);
  await opened(guard, options);
  return {
    pid: guard.pid ?? 0,
    exited,
    order: (order) => {
      // What fails to be sent would have come too late.
      if (guard.connected) guard.send(order, () => undefined);
    },
  };
}

function startGuard({ request, tools, streams }: GuardOptions): ChildProcess {
  const command = ownCommand(tools, DESCRIPTORS, PAM_SESSION);
  const standard: StdioOptions = streams === "ignore" ? ["ignore", "ignore", "ignore"] : [...streams];
  const guard = spawn(command.file, command.args, {
    stdio: [...standard, "ipc"],
    env: command.environment,
    cwd: "/",
    detached: true,
    serialization: "advanced",
  });
  guard.send(request, () => undefined);
  return guard;
}

/** Resolves when PAM has agreed and the program, if any, runs. */
function opened(guard: ChildProcess, { request, clock }: GuardOptions): Promise<void> {
  const settled = new AbortController();
  const opening = new Promise<void>((resolve, reject) => {
    guard.once("error", (cause) =>
      reject(unavailable("cannot start a session's process on this host", { cause })),
    );
    guard.once("exit", (code, signal) => {
      const cause = new Error(`the session's process ended with ${signal ?? code}`);
      reject(unavailable("PAM did not open this session; the node's log says why", { cause }));
    });
    guard.once("message", (message) => {
      const report = message as PamReport;
      if (report.kind !== "refused") resolve();
      else reject(report.denied ? accessDenied(report.reason) : unavailable(report.reason));
    });
    clock.sleep(OPENING_MS, settled.signal).then(
      () => {
        guard.kill("SIGKILL");
        reject(unavailable(`PAM did not answer within two minutes; check the modules of ${request.service}`));
      },
      () => undefined,
    );
  });
  return opening.finally(() => settled.abort());
}

/** Follows the reports of a guard, and ends a program whose guard has died. */
function watch(guard: ChildProcess, { request, log }: GuardOptions): Promise<ExitStatus> {
  return new Promise((resolve) => {
    let program: number | undefined;
    guard.on("message", (message) => {
      const report = message as PamReport;
      if (report.kind === "started") program = report.pid;
      if (report.kind === "exited") {
        program = undefined;
        resolve(report.status);
      }
      if (report.kind === "closed" && report.problems.length > 0) {
        log.warn("a PAM session could not be closed", { login: request.login, problems: report.problems });
      }
    });
    guard.once("exit", (code, signal) => {
      if (program !== undefined) {
        log.error("the process of a PAM session has died", { login: request.login, code, signal });
        signalGroup(program, "SIGKILL");
      }
      resolve({ signal: signal ?? "SIGKILL" });
    });
  });
}
