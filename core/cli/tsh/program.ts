/** `tsh`, the users' tool: its table of commands. `program.ts` one folder up says how they are loaded. */
import { basename } from "node:path";
import { runProgram, type CommandEntry } from "../program.js";
import { addGlobalFlags } from "./global-flags.js";

const NODES = { run: "tsh ls --format=names" };

const COMMANDS: readonly CommandEntry[] = [
  {
    name: "ssh",
    summary: "run a shell or a command on a node",
    load: () => import("./commands/ssh.js"),
    completes: NODES,
  },
  { name: "scp", summary: "copy files to and from nodes", load: () => import("./commands/scp.js") },
  { name: "join", summary: "join a live session", load: () => import("./commands/join.js") },
  { name: "ls", summary: "list the nodes you may enter", load: () => import("./commands/ls.js") },
  { name: "clusters", summary: "list the clusters", load: () => import("./commands/clusters.js") },
  { name: "play", summary: "play a recorded session", load: () => import("./commands/play.js") },
  { name: "login", summary: "log in to a cluster", load: () => import("./commands/login.js") },
  { name: "logout", summary: "delete the keys of a login", load: () => import("./commands/logout.js") },
  { name: "status", summary: "show who is logged in where", load: () => import("./commands/status.js") },
  { name: "env", summary: "print variables for the current login", load: () => import("./commands/env.js") },
  { name: "config", summary: "print a configuration for ssh", load: () => import("./commands/config.js") },
  {
    name: "proxy",
    summary: "lead other programs through the proxy",
    commands: [
      { name: "ssh", summary: "the way to a node, for ssh", load: () => import("./commands/proxy-ssh.js") },
    ],
  },
  { name: "bench", summary: "measure a node", hidden: true, load: () => import("./commands/bench.js") },
  { name: "show", summary: "show an identity file", hidden: true, load: () => import("./commands/show.js") },
  { name: "version", summary: "print the version", load: () => import("../version.js") },
];

/** The exit code of a program that died of SIGPIPE. */
const BROKEN_PIPE = 141;

/**
 * Runs tsh with the arguments of the process. Called through a link named `ssh` or `scp`, it is that command. The
 * process ends when the command has: a stdin that somebody else keeps open does not hold it.
 */
export async function runTsh(argv: readonly string[]): Promise<void> {
  const [, script = "", ...args] = argv;
  const alias = basename(script);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? BROKEN_PIPE : 1);
  });
  await runProgram(
    {
      name: "tsh",
      summary: "Reach the nodes of a cluster through its proxy.",
      commands: COMMANDS,
      globals: addGlobalFlags,
      examples: [
        "  tsh login --proxy=proxy.example.com --user=alice   # log in for 12 hours",
        "  tsh ls env=production                              # nodes with a label",
        "  tsh ssh root@node1                                 # a shell on a node",
        "  tsh scp report.txt root@node1:/tmp/                # copy a file",
      ].join("\n"),
    },
    alias === "ssh" || alias === "scp" ? [alias, ...args] : args,
  );
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit();
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once("error", () => resolve());
    stream.write("", () => resolve());
  });
}
