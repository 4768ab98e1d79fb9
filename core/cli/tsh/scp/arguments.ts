/** The arguments of `tsh scp` (features.md §3.7). */
import { posix } from "node:path";
import { badParameter } from "../../../errors/error.js";
import { isGlob } from "../glob.js";

/** A path on a node. */
export interface RemotePath {
  /** Absent where the command line names none. */
  readonly login: string | undefined;
  readonly host: string;
  readonly path: string;
}

/** One way to copy. A call may hold several, all with one node. */
export type ScpCopy =
  | { readonly kind: "upload"; readonly sources: readonly string[]; readonly target: RemotePath }
  | { readonly kind: "download"; readonly source: RemotePath; readonly target: string };

/**
 * Plans the copies. With a remote path at the end all others are uploaded to it; otherwise what is remote is downloaded
 * to the one local path, or the one remote path to every local one. Throws `bad_parameter`.
 */
export function planCopies(args: readonly string[]): ScpCopy[] {
  if (args.length < 2) throw badParameter("Need at least two arguments for scp");
  const paths = args.map(parsePath);
  const last = paths.at(-1)!;
  if (typeof last !== "string") {
    const sources = paths.slice(0, -1).map((path) => localOnly(path));
    return [{ kind: "upload", sources, target: last }];
  }
  const sources = paths.filter((path) => typeof path !== "string");
  const targets = paths.filter((path) => typeof path === "string");
  if (sources.length === 0) throw badParameter("making local copies is not supported");
  if (typeof paths[0] === "string" || (sources.length > 1 && targets.length > 1)) {
    throw badParameter(
      "cannot upload and download at once: name the remote paths first, then one local path",
    );
  }
  if (sources.some(({ host, login }) => host !== sources[0]!.host || login !== sources[0]!.login)) {
    throw badParameter("all remote paths must be on one node, with one login");
  }
  return sources.flatMap((source) =>
    targets.map((target): ScpCopy => ({ kind: "download", source, target })),
  );
}

/**
 * A remote path as a word of the node's shell, quoted so that it stands for exactly one file; only a home directory
 * at its start is left to the shell.
 */
export function shellPath(path: string): string {
  const [, home = "", rest = ""] = HOME.exec(path) ?? [];
  return home + quoted(home === "" && rest.startsWith("-") ? `./${rest}` : rest);
}

/** The same, with patterns (`*`, `?`, `[…]`) left to the shell where no backslash stands before them. */
export function shellPattern(path: string): string {
  const [, home = "", rest = ""] = HOME.exec(path) ?? [];
  const safe = home === "" && rest.startsWith("-") ? `./${rest}` : rest;
  const words = safe.match(/\\[\s\S]|[*?[\]!^]+|[^\\*?[\]!^]+|\\/g) ?? [];
  return home + words.map((word) => (/^[*?[\]!^]/.test(word) ? word : quoted(unescaped(word)))).join("");
}

const HOME = /^(~[\w.-]*(?=\/|$))?([\s\S]*)$/;

const quoted = (text: string): string =>
  /^[\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

const unescaped = (text: string): string => text.replace(/\\([*?[\]\\])/g, "$1");

/**
 * The name that a node must send for a path, or the pattern of its names; undefined where the path does not say it, as
 * `.` does not.
 */
export function expectedName(path: string): string | undefined {
  const name = posix.basename(path);
  if (["", ".", "..", "/"].includes(name) || name.startsWith("~")) return undefined;
  return isGlob(name) ? name : unescaped(name);
}

/** A path is remote if a colon comes before any slash, as for OpenSSH's scp. */
function parsePath(text: string): RemotePath | string {
  const match = /^(?:([^@/]+)@)?(\[[^\]/]+\]|[^:/[\]]+):([\s\S]*)$/.exec(text);
  const [, login, host, path] = match ?? [];
  if (host === undefined || path === undefined) return text;
  return { login, host: host.replace(/^\[(.*)\]$/, "$1"), path: path === "" ? "." : path };
}

function localOnly(path: RemotePath | string): string {
  if (typeof path !== "string") throw badParameter("copying from one node to another is not supported");
  return path;
}
