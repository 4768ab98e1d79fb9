/** Runs the copies of a `tsh scp` over one connection to a node. */
import { statSync } from "node:fs";
import { badParameter, errorMessage } from "../../errors/error.js";
import type { SshConnection } from "../../ssh/contract.js";
import { ExitWith } from "../program.js";
import { unlessMissing } from "./atomic-file.js";
import { startRemoteProcess, type RemoteExit } from "./remote-process.js";
import { expectedName, shellPath, type ScpCopy } from "./scp-arguments.js";
import type { ScpReport } from "./scp-report.js";
import { receiveFiles } from "./scp-sink.js";
import { sendPaths } from "./scp-source.js";
import { ScpStream } from "./scp-stream.js";
import { exitCodeOf } from "./session.js";

/** Flags of a call. */
export interface ScpOptions {
  readonly recursive: boolean;
  /** Writes one line for each file. */
  readonly progress: (line: string) => void;
  readonly complain: (message: string) => void;
}

/** Refuses what cannot be copied before anything is dialled. Throws `bad_parameter`. */
export function checkSources(copies: readonly ScpCopy[], { recursive }: Pick<ScpOptions, "recursive">): void {
  for (const path of copies.flatMap((copy) => (copy.kind === "upload" ? copy.sources : []))) {
    const stats = unlessMissing(() => statSync(path));
    if (stats === undefined) throw badParameter(`stat ${path}: no such file or directory`);
    if (stats.isDirectory() && !recursive) {
      throw badParameter(`${path} is a directory, perhaps try -r flag?`);
    }
  }
}

/**
 * Copies. A file that fails does not stop the others. Ends with {@link ExitWith}: the exit code of the node's scp, or 1
 * where something failed on this side.
 */
export async function runCopy(connection: SshConnection, copy: ScpCopy, options: ScpOptions): Promise<void> {
  const remote = await startRemoteProcess(connection, {
    command: remoteCommand(copy, options),
    environment: {},
  });
  const { channel } = remote;
  let failures = 0;
  const report: ScpReport = {
    file: (name, sizeBytes) => {
      options.progress(`${copy.kind === "upload" ? "->" : "<-"} ${name} (${sizeBytes})`);
    },
    failure: (message) => {
      failures++;
      options.complain(message);
    },
  };
  channel.extended.on("data", (chunk: Buffer) => process.stderr.write(chunk));
  const stream = new ScpStream(channel);
  try {
    await (copy.kind === "upload"
      ? sendPaths(stream, copy.sources, report)
      : receiveFiles(stream, download(copy, options), report));
  } catch (error) {
    channel.close();
    const exit = await remote.exit.catch((): RemoteExit => ({ code: 1 }));
    throw new ExitWith(exitCodeOf(exit) || 1, `error: ${errorMessage(error)}`);
  }
  channel.end();
  const code = exitCodeOf(await remote.exit);
  channel.close();
  if (code !== 0 || failures > 0) throw new ExitWith(code || 1);
}

function download(
  copy: ScpCopy & { kind: "download" },
  { recursive }: ScpOptions,
): Parameters<typeof receiveFiles>[1] {
  return { target: copy.target, expectedName: expectedName(copy.source.path), recursive };
}

/** The node's scp: `-t` receives, `-f` sends; `-d` insists on a folder. */
function remoteCommand(copy: ScpCopy, { recursive }: ScpOptions): string {
  const flags = recursive ? ["-r"] : [];
  if (copy.kind === "download") return ["scp", ...flags, "-f", shellPath(copy.source.path)].join(" ");
  if (copy.sources.length > 1) flags.push("-d");
  return ["scp", ...flags, "-t", shellPath(copy.target.path)].join(" ");
}
