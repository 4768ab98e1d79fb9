/** Unix sockets with the rights of a login: what forwarding connects to, and what it listens on. */
import { chmodSync, lstatSync, type Stats, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { isAbsolute } from "node:path";
import { badParameter, errorMessage, unavailable } from "../errors/error.js";
import { bindUnixSocket } from "./libc.js";
import { type LoginRights, withRightsOf } from "./login-rights.js";

/** A listening Unix socket of a login. */
export interface UnixListener {
  readonly server: Server;
  /** The socket's file. */
  readonly made: Stats;
  /** Stops listening and removes the socket, unless another one has taken its place. Idempotent. */
  readonly close: () => void;
}

/** `sun_path` of unix(7), with the NUL behind it. */
const MAX_PATH_BYTES = 108;
const OWNER_ONLY = 0o600;

/** Checks a path that a client gave. Throws `bad_parameter` for one that no socket can have. */
export function checkSocketPath(path: string): void {
  if (!isAbsolute(path) || path.includes("\0") || Buffer.byteLength(path) >= MAX_PATH_BYTES) {
    throw badParameter(
      `the path of a socket has to begin with / and be shorter than ${MAX_PATH_BYTES} bytes`,
    );
  }
}

/** Connects to a socket, half-open allowed. Throws `bad_parameter` or `unavailable`. */
export function connectUnix(path: string, rights: LoginRights): Promise<Socket> {
  return new Promise((resolve, reject) => {
    checkSocketPath(path);
    // The system call is made before this returns; only its outcome is told later.
    const socket = withRightsOf(rights, () => connect({ path, allowHalfOpen: true }));
    // Stays for good: a socket that breaks while nobody has taken it over yet must not end the process.
    socket.on("error", (cause) =>
      reject(unavailable(`dial unix ${path}: ${errorMessage(cause)}`, { cause })),
    );
    socket.once("connect", () => resolve(socket));
  });
}

/**
 * Listens on a socket that the login alone may use (mode 0600). A path that exists is refused, as by sshd without
 * StreamLocalBindUnlink. Throws `bad_parameter` or `unavailable`.
 */
export function listenUnix(
  path: string,
  rights: LoginRights,
  onConnection: (socket: Socket) => void,
): UnixListener {
  checkSocketPath(path);
  const server = createServer({ allowHalfOpen: true }, onConnection);
  server.on("error", () => undefined);
  const made = withRightsOf(rights, () => {
    const fd = bindUnixSocket(path);
    chmodSync(path, OWNER_ONLY);
    // By descriptor, since libuv would remove by name, and with the daemon's rights, what it has bound itself.
    server.listen({ fd });
    return lstatSync(path);
  });
  let open = true;
  return {
    server,
    made,
    close: () => {
      if (!open) return;
      open = false;
      withRightsOf(rights, () => removeSocket(path, made));
      server.close();
    },
  };
}

function removeSocket(path: string, made: Stats): void {
  try {
    const there = lstatSync(path);
    if (there.dev === made.dev && there.ino === made.ino) unlinkSync(path);
  } catch {
    // The login may have removed it, or the folder that it was in.
  }
}
