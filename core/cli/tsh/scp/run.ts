/** Runs the copies of a `tsh scp` over one connection to a node. */
import { stat } from "node:fs/promises";
import { badParameter, errorMessage } from "../../../errors/error.js";
import type { SshConnection } from "../../../ssh/contract.js";
import { ExitWith } from "../../program.js";
import { unlessNotFound } from "../file-status.js";
import { expandGlob, isGlob } from "../glob.js";
import { startRemoteProcess, type RemoteExit } from "../remote-process.js";
import { expectedName, shellPath, shellPattern, type ScpCopy } from "./arguments.js";
import type { ScpProgress } from "./progress.js";
import type { ScpReport } from "./report.js";
import { receiveFiles, type ScpDownload } from "./sink.js";
import { sendPaths } from "./source.js";
import { ScpStream } from "./stream.js";
import { exitCodeOf } from "../session.js";

/** Flags of a call. */
export interface ScpOptions {
  readonly recursive: boolean;
  /** Keeps times and modes. */
  readonly preserve: boolean;
  readonly progressOf: (copy: ScpCopy) => ScpProgress;
  readonly complain: (message: string) => void;
}

/** Finds what is to be uploaded, and refuses what cannot be before anything is dialled. Throws `bad_parameter`. */
export async function resolveSources(
  copies: readonly ScpCopy[],
  { recursive }: Pick<ScpOptions, "recursive">,
): Promise<ScpCopy[]> {
  return Promise.all(
    copies.map(async (copy) => {
      if (copy.kind === "download") return copy;
      const found = await Promise.all(copy.sources.map((path) => resolveSource(path, recursive)));
      return { ...copy, sources: found.flat() };
    }),
  );
}

/** A file of just this name goes before the files that it matches as a pattern. */
async function resolveSource(path: string, recursive: boolean): Promise<string[]> {
  const stats = await unlessNotFound(stat(path));
  if (stats?.isDirectory() && !recursive) {
    throw badParameter(`${path} is a directory, perhaps try -r flag?`);
  }
  const paths = stats === undefined && isGlob(path) ? await expandGlob(path) : [];
  if (stats !== undefined) return [path];
  if (paths.length === 0) throw badParameter(`stat ${path}: no such file or directory`);
  return paths;
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
    progress: options.progressOf(copy),
    failure: (message) => {
      failures++;
      options.complain(message);
    },
  };
  channel.extended.on("data", (chunk: Buffer) => process.stderr.write(chunk));
  const stream = new ScpStream(channel);
  try {
    await (copy.kind === "upload"
      ? sendPaths(stream, { ...options, paths: copy.sources }, report)
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
  { target, source }: ScpCopy & { kind: "download" },
  { recursive, preserve }: ScpOptions,
): ScpDownload {
  const { path } = source;
  return { target, expectedName: expectedName(path), several: isGlob(path), recursive, preserve };
}

/** The node's scp: `-t` receives, `-f` sends; `-d` insists on a folder. */
function remoteCommand(copy: ScpCopy, { recursive, preserve }: ScpOptions): string {
  const flags = [...(recursive ? ["-r"] : []), ...(preserve ? ["-p"] : [])];
  if (copy.kind === "download") return ["scp", ...flags, "-f", shellPattern(copy.source.path)].join(" ");
  if (copy.sources.length > 1) flags.push("-d");
  return ["scp", ...flags, "-t", shellPath(copy.target.path)].join(" ");
}
