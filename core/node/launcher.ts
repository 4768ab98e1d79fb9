/**
 * The way from the daemon to a user's program: `bash → setpriv → bash → program`, each replacing the one before, so
 * that the first pid is the program's pid.
 *
 * The first stage runs as root and closes every inherited descriptor: the native pty module cannot mark its masters
 * close-on-exec, and a user's program must not see other users' terminals. setpriv then becomes the user, with all of
 * the user's groups. The last stage, already the user, sets umask, variables, directory and terminal modes. Variables
 * travel to it under neutral names, because LD_PRELOAD and the like must never reach a process that is still root,
 * and in the environment rather than as arguments, because other users can read arguments.
 */
import { accessSync, constants } from "node:fs";
import { unavailable } from "../errors/error.js";
import type { Account } from "./account.js";

/** A program for a user. */
export interface Launch {
  readonly account: Account;
  readonly program: string;
  /** `argv[0]`, such as `-bash` for a login shell. */
  readonly argv0: string;
  readonly args: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  /**
   * Only with a terminal: arguments of stty(1), applied before the program starts. The program then also gets
   * `SSH_TTY`, which only the far side of the fork can know.
   */
  readonly terminalModes?: readonly string[] | undefined;
  /** Whether the parent process has set groups and umask for the program already, which are then left as they are. */
  readonly keepsGroupsAndUmask?: boolean | undefined;
}

/** What to hand to the kernel. */
export interface LaunchCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The programs that launching takes, by absolute path. */
export interface LaunchTools {
  readonly bash: string;
  /** Absent where the daemon is not root and cannot change users. */
  readonly setpriv: string | undefined;
  /** Absent where the system has none; terminal modes are then left at their defaults. */
  readonly stty: string | undefined;
  readonly tty: string | undefined;
  /** Of util-linux, as setpriv; sessions with PAM take them. */
  readonly setsid: string | undefined;
  readonly prlimit: string | undefined;
}

const DIRECTORIES = ["/usr/bin", "/bin", "/usr/local/bin"];
const BASH_FLAGS = ["--norc", "--noprofile", "-c"];
/** Closes every descriptor but the first ones, and goes on as the program that follows. */
const closeDescriptors = (kept: number): string =>
  `for f in /proc/self/fd/*; do n=\${f##*/}; if [[ $n -ge ${kept} ]]; then eval "exec $n>&-"; fi; done; exec "$@"`;

/** Finds the launch programs. Throws `unavailable` naming what must be installed. */
export function findLaunchTools(isRoot: boolean): LaunchTools {
  const bash = find("bash");
  const setpriv = find("setpriv");
  if (bash === undefined) throw unavailable("the SSH service needs bash; install it");
  if (isRoot && setpriv === undefined) {
    throw unavailable("the SSH service needs setpriv to change users; install util-linux");
  }
  return {
    bash,
    setpriv: isRoot ? setpriv : undefined,
    stty: find("stty"),
    tty: find("tty"),
    setsid: find("setsid"),
    prlimit: find("prlimit"),
  };
}

/** Builds the command that starts a program of ours with the rights of the daemon and its first `descriptors` only. */
export function ownCommand(
  tools: LaunchTools,
  descriptors: number,
  program: readonly string[],
): LaunchCommand {
  return {
    file: tools.bash,
    args: [...BASH_FLAGS, closeDescriptors(descriptors), "launch", ...program],
    environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  };
}

/** Builds the command that starts a program as its user. */
export function launchCommand(tools: LaunchTools, launch: Launch): LaunchCommand {
  const { account } = launch;
  const variables = [...launch.environment].filter(([, value]) => !value.includes("\0"));
  const neutral = variables.map(([name, value], i) => [`TELEPORT_ENV_${i}`, `${name}=${value}`] as const);
  const groups = launch.keepsGroupsAndUmask === true ? "--keep-groups" : "--init-groups";
  const become =
    tools.setpriv === undefined
      ? []
      : [tools.setpriv, `--reuid=${account.uid}`, `--regid=${account.gid}`, groups, "--"];
  return {
    file: tools.bash,
    args: [
      ...[...BASH_FLAGS, closeDescriptors(3), "launch", ...become],
      ...[tools.bash, ...BASH_FLAGS, userStage(tools, launch, neutral.length), "launch"],
      ...[account.home, launch.argv0, launch.program, ...launch.args],
    ],
    environment: { PATH: "/usr/bin:/bin", ...Object.fromEntries(neutral) },
  };
}

function userStage(tools: LaunchTools, launch: Launch, variableCount: number): string {
  const modes = launch.terminalModes;
  const setModes = modes !== undefined && modes.length > 0 && tools.stty !== undefined;
  const steps = [
    launch.keepsGroupsAndUmask === true ? "" : "umask 022",
    'cd "$1" 2>/dev/null || cd /',
    "program_name=$2; shift 2",
    setModes ? `${tools.stty} ${modes.join(" ")} 2>/dev/null` : "",
    modes !== undefined && tools.tty !== undefined ? `SSH_TTY=$(${tools.tty}); export SSH_TTY` : "",
    // From here on the user's variables hold, so nothing but the program itself may follow.
    "unset OLDPWD SHLVL PATH",
    ...Array.from(
      { length: variableCount },
      (_, i) => `export "$TELEPORT_ENV_${i}"; unset TELEPORT_ENV_${i}`,
    ),
    'exec -a "$program_name" "$@"',
  ];
  return steps.filter((step) => step !== "").join("; ");
}

function find(program: string): string | undefined {
  return DIRECTORIES.map((directory) => `${directory}/${program}`).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
