/**
 * The process that names or connects one Unix socket for forwarding, as a program: `socket-opener bind|connect LOGIN UID
 * GID PATH` with the socket as descriptor 3. It takes on the login first, so that a login gets no further than its own
 * programs would, and a path that blocks, such as one on a FUSE mount, blocks this process alone.
 */
import { chmodSync, lstatSync } from "node:fs";
import { badParameter, errorMessage } from "../errors/error.js";
import { fingerprint } from "./file-fingerprint.js";
import { bindUnixSocket, connectUnixSocket } from "./libc.js";

const SOCKET = 3;
const OWNER_ONLY = 0o600;

/** initgroups(3); the types of Node leave it out. */
const { initgroups } = process as unknown as { initgroups: (login: string, gid: number) => void };

try {
  open(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${errorMessage(error)}\n`);
  process.exitCode = 1;
}

function open([action, login, uid, gid, path]: readonly string[]): void {
  if (login === undefined || !isId(uid) || !isId(gid) || path === undefined) {
    throw badParameter("socket-opener is started by the daemon only");
  }
  if (process.geteuid?.() === 0) {
    initgroups.call(process, login, Number(gid));
    process.setgid?.(Number(gid));
    process.setuid?.(Number(uid));
  }
  if (action === "connect") {
    connectUnixSocket(SOCKET, path);
  } else if (action === "bind") {
    // From the first moment on, since other programs may wait for it.
    process.umask(0o777 & ~OWNER_ONLY);
    bindUnixSocket(SOCKET, path);
    chmodSync(path, OWNER_ONLY);
    process.stdout.write(fingerprint(lstatSync(path)));
  } else {
    throw badParameter(`socket-opener cannot ${action}`);
  }
}

function isId(text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text);
}
