/** The cookie of a forwarded display, in the login's own authority file. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { unavailable } from "../errors/error.js";
import type { X11Request } from "../session/x11-request.js";
import type { Account } from "./account.js";
import { launchCommand, type LaunchTools } from "./launcher.js";
import { checkTrustedProgram } from "./trusted-program.js";

/** Which cookie is for which display. */
export interface DisplayCookie {
  /** Number of the display. */
  readonly display: number;
  readonly request: X11Request;
  readonly account: Account;
  readonly tools: LaunchTools;
}

const TIMEOUT_MS = 10_000;

/**
 * Has xauth(1), run as the login, put the cookie into `~/.Xauthority`. Throws `bad_parameter` where it is not
 * installed, `unavailable` where it fails.
 */
export async function addCookie({ display, request, account, tools }: DisplayCookie): Promise<void> {
  const command = launchCommand(tools, {
    account,
    program: await checkTrustedProgram("xauth"),
    argv0: "xauth",
    args: ["-q", "-"],
    environment: new Map([
      ["HOME", account.home],
      ["PATH", "/usr/bin:/bin"],
    ]),
  });
  const xauth = spawn(command.file, command.args, {
    stdio: ["pipe", "ignore", "ignore"],
    env: command.environment,
    cwd: "/",
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  xauth.stdin.on("error", () => undefined);
  // By its standard input, since other users can read arguments.
  const name = `unix:${display}.${request.screen}`;
  xauth.stdin.end(`remove ${name}\nadd ${name} ${request.protocol} ${request.cookie}\n`);
  const [code] = (await once(xauth, "close").catch((cause: unknown) => {
    throw unavailable("cannot run xauth on this host", { cause });
  })) as [number | null];
  if (code !== 0) throw unavailable("xauth could not store the display's cookie for the login");
}
