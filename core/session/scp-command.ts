/**
 * The remote end of the classic scp protocol, as a command: `scp -t PATH` receives, `scp -f PATH` sends. It is run by
 * the system's scp(1) like any other command; this file recognises it, so that the audit names the direction and the
 * path. sftp-based copies go through the `sftp` subsystem instead.
 */
import { basename } from "node:path/posix";
import { shellWords } from "./shell-words.js";

/** An scp transfer, seen from the client. */
export interface ScpTransfer {
  readonly action: "upload" | "download";
  /** The paths that the command names, relative to the home directory unless absolute; several are joined by a space. */
  readonly path: string;
}

/** Recognises an scp command; undefined for any other. */
export function readScpCommand(command: string): ScpTransfer | undefined {
  const words = shellWords(command);
  if (words === undefined || basename(words[0] ?? "") !== "scp") return undefined;
  const end = words.indexOf("--");
  const args = words.slice(1);
  const options = args.filter((arg, i) => arg.startsWith("-") && arg !== "--" && (end < 0 || i + 1 < end));
  const paths = args.filter((arg, i) => !arg.startsWith("-") || (end >= 0 && i + 1 > end));
  const letters = options.filter((option) => !option.startsWith("--")).join("");
  const receives = letters.includes("t");
  if (receives === letters.includes("f")) return undefined;
  return { action: receives ? "upload" : "download", path: paths.join(" ") };
}
