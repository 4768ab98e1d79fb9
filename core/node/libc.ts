/**
 * The functions of libc that Node does not offer. Loaded when first needed; where they cannot be, what needs them is
 * refused with `unavailable`.
 */
import { constants as os } from "node:os";
import { getSystemErrorName } from "node:util";
import koffi from "koffi";
import { unavailable } from "../errors/error.js";

/** Sets what the calling thread acts with; false where the kernel refuses. */
export interface ThreadCredentials {
  readonly setGroups: (groups: readonly number[]) => boolean;
  /** The effective user id; real and saved ones stay. */
  readonly setUid: (uid: number) => boolean;
  /** The effective group id; real and saved ones stay. */
  readonly setGid: (gid: number) => boolean;
}

interface SystemCalls {
  readonly setGroups: number;
  readonly setResUid: number;
  readonly setResGid: number;
}

type NativeCall = (...values: unknown[]) => number;

/** Numbers of system calls on Linux (asm/unistd.h). */
const SYSTEM_CALLS: Readonly<Record<string, SystemCalls>> = {
  x64: { setGroups: 116, setResUid: 117, setResGid: 119 },
  arm64: { setGroups: 159, setResUid: 147, setResGid: 149 },
};
const UNCHANGED = -1;
const F_OFD_SETLK = 37;
const F_WRLCK = 1;
/** struct flock on 64-bit systems; zeros stand for the whole file. */
const FLOCK_BYTES = 32;
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0o2000001;

let library: ReturnType<typeof koffi.load> | undefined;
let credentials: ThreadCredentials | undefined;

/**
 * The credentials of the calling thread. libc's own functions change all threads at once; the system calls below them
 * change only one, so that what other threads are doing keeps the daemon's rights. Throws `unavailable` on systems
 * whose system calls are not known here.
 */
export function threadCredentials(): ThreadCredentials {
  credentials ??= bindCredentials();
  return credentials;
}

function bindCredentials(): ThreadCredentials {
  const numbers = process.platform === "linux" ? SYSTEM_CALLS[process.arch] : undefined;
  if (numbers === undefined) {
    throw unavailable(`the rights of logins cannot be taken on ${process.platform}/${process.arch}`);
  }
  const setId = bind("syscall", "long", ["long", "long", "long", "long"]);
  const setList = bind("syscall", "long", ["long", "long", "const uint32_t *"]);
  return {
    setGroups: (groups) => setList(numbers.setGroups, groups.length, Uint32Array.from(groups)) === 0,
    setUid: (uid) => setId(numbers.setResUid, UNCHANGED, uid, UNCHANGED) === 0,
    setGid: (gid) => setId(numbers.setResGid, UNCHANGED, gid, UNCHANGED) === 0,
  };
}

/** Makes a Unix stream socket without a name and returns its descriptor. Throws `unavailable`. */
export function makeUnixSocket(): number {
  const fd = bind("socket", "int", ["int", "int", "int"])(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
  if (fd < 0) throw failure("cannot make a socket");
  return fd;
}

/** Gives a Unix socket its name in the file system. Blocks as long as that does. Throws `unavailable`. */
export function bindUnixSocket(fd: number, path: string): void {
  callWithPath("bind", fd, path, `listen unix ${path}`);
}

/** Connects a Unix socket. Blocks as long as the file system or the listener does. Throws `unavailable`. */
export function connectUnixSocket(fd: number, path: string): void {
  callWithPath("connect", fd, path, `dial unix ${path}`);
}

function callWithPath(name: string, fd: number, path: string, what: string): void {
  const address = Buffer.alloc(2 + Buffer.byteLength(path) + 1);
  address.writeUInt16LE(AF_UNIX);
  address.write(path, 2);
  const call = bind(name, "int", ["int", "const uint8_t *", "uint"]);
  if (call(fd, address, address.length) !== 0) throw failure(what);
}

/**
 * Locks a whole file for writing as fcntl(2) does for libc's own writers; false where somebody else holds a lock. It ends
 * with the descriptor. Throws `unavailable`.
 */
export function tryLockFile(fd: number): boolean {
  const lock = Buffer.alloc(FLOCK_BYTES);
  lock.writeInt16LE(F_WRLCK);
  if (bind("fcntl", "int", ["int", "int", "uint8_t *"])(fd, F_OFD_SETLK, lock) === 0) return true;
  const { EAGAIN, EACCES } = os.errno;
  if (koffi.errno() === EAGAIN || koffi.errno() === EACCES) return false;
  throw failure("cannot lock a file");
}

function bind(name: string, result: string, parameters: readonly string[]): NativeCall {
  try {
    library ??= koffi.load(null);
    return library.func(name, result, [...parameters]) as NativeCall;
  } catch (cause) {
    throw unavailable("libc cannot be reached on this host", { cause });
  }
}

function failure(what: string): Error {
  return unavailable(`${what}: ${getSystemErrorName(-koffi.errno())}`);
}
