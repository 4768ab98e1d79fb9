/** Programs that the daemon runs with its own rights: nobody else may be able to change them. */
import { realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { accessDenied, badParameter } from "../errors/error.js";

const DIRECTORIES = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const GROUP_OR_OTHER_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Finds a program, by absolute path or in the system's directories, and makes sure that it and every folder above it
 * belong to root or the daemon's user and are not writable by others. Returns its real path.
 * Throws `bad_parameter` where there is none, `access_denied` naming what others can write to.
 */
export async function checkTrustedProgram(program: string): Promise<string> {
  const path = await find(program);
  for (let at = path; ; at = dirname(at)) {
    const { mode, uid } = await stat(at);
    const ours = uid === 0 || uid === process.getuid?.();
    // A sticky folder lets others add files, but not replace this one.
    const writable = (mode & GROUP_OR_OTHER_WRITE) !== 0 && !(at !== path && (mode & STICKY) !== 0);
    if (!ours || writable) {
      throw accessDenied(
        `"${program}" is not run: others can change ${at}; fix it with chmod go-w or chown root`,
      );
    }
    if (at === dirname(at)) return path;
  }
}

async function find(program: string): Promise<string> {
  const candidates = isAbsolute(program)
    ? [program]
    : program.includes("/") || program === ""
      ? []
      : DIRECTORIES.map((directory) => join(directory, program));
  for (const candidate of candidates) {
    try {
      return await realpath(candidate);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw badParameter(`there is no program "${program}"; give an absolute path`);
}
