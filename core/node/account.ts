/** OS accounts: who a session runs as. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { accessDenied, errorChain, unavailable } from "../errors/error.js";

/** One line of passwd(5). */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** The login shell; `/bin/sh` where passwd names none. Accounts without a login have one that refuses. */
  readonly shell: string;
}

/** Looks accounts up by name. Throws `access_denied` for a name that does not exist. */
export type AccountLookup = (name: string) => Promise<Account>;

const LOGIN_NAME = /^[a-zA-Z0-9_.][a-zA-Z0-9_.@-]{0,63}\$?$/;
const GETENT_NOT_FOUND = 2;
const GETENT_TIMEOUT_MS = 10_000;

/**
 * Looks an account up in /etc/passwd, then through the name service switch (LDAP, sssd …) by getent(1).
 * Throws `access_denied` for an unknown or malformed name, `unavailable` where the name service fails.
 */
export async function lookupAccount(name: string): Promise<Account> {
  if (!LOGIN_NAME.test(name)) throw accessDenied(`"${name.slice(0, 64)}" is not a valid login name`);
  const local = findAccount(await readFile("/etc/passwd", "utf8"), name);
  const account = local ?? findAccount(await askNameService(name), name);
  if (account === undefined) throw accessDenied(`there is no user "${name}" on this host`);
  return account;
}

/** Finds a name in passwd(5) text. Lines that cannot be read are passed over. */
export function findAccount(passwd: string, name: string): Account | undefined {
  for (const line of passwd.split("\n")) {
    const [entry, , uid, gid, , home, shell] = line.split(":");
    if (entry !== name || uid === undefined || gid === undefined) continue;
    if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) continue;
    return {
      name,
      uid: Number(uid),
      gid: Number(gid),
      home: home === undefined || home === "" ? "/" : home,
      shell: shell === undefined || shell.trim() === "" ? "/bin/sh" : shell.trim(),
    };
  }
  return undefined;
}

async function askNameService(name: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("getent", ["passwd", name], {
      timeout: GETENT_TIMEOUT_MS,
      env: { PATH: "/usr/bin:/bin" },
      cwd: "/",
    });
    return stdout;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    // Systems without getent have no name service beyond /etc/passwd.
    if (code === GETENT_NOT_FOUND || code === "ENOENT") return "";
    throw unavailable(`cannot look up the user "${name}" on this host; try again`, {
      cause: error,
      context: { error: errorChain(error) },
    });
  }
}
