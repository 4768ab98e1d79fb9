/**
 * Unix sockets that one connection forwards, with the rights of its login. What reaches a file system happens in processes
 * of their own (socket-opener.ts), since a path may lead to one that never answers; they inherit the socket, and the
 * daemon goes on with it.
 */
import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { createServer, type Server, Socket } from "node:net";
import { isAbsolute } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { badParameter, unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Account } from "./account.js";
import { type LaunchTools, ownCommand } from "./launcher.js";
import { makeUnixSocket } from "./libc.js";
import { withRightsOf } from "./login-rights.js";

/** A listening Unix socket of a login. Closing the server leaves the file. */
export interface UnixListener {
  readonly server: Server;
  /** Of the socket's file, as `fingerprint` gives it. */
  readonly is: string;
}

/** What the sockets of a connection need. */
export interface LoginSocketsOptions {
  readonly account: () => Promise<Account>;
  readonly tools: LaunchTools;
  readonly clock: Clock;
  /** The program socket-opener.ts as a command; tests put others in its place. */
  readonly opener?: readonly string[];
}

type Action = "bind" | "connect";

const SOCKET_OPENER = [process.execPath, fileURLToPath(new URL("./socket-opener.js", import.meta.url))];
/** Standard streams and the socket. */
const DESCRIPTORS = 4;
/** `sun_path` of unix(7), with the NUL behind it. */
const MAX_PATH_BYTES = 108;
const OPENING_MS = 10_000;
/** Processes of one connection; further sockets wait their turn. */
const MAX_OPENERS = 8;

/** Opens the Unix sockets of one connection. */
export class LoginSockets {
  readonly #options: LoginSocketsOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: LoginSocketsOptions) {
    this.#options = options;
  }

  /** Connects to a socket, half-open allowed. Throws `bad_parameter` or `unavailable`. */
  async connect(path: string): Promise<Socket> {
    const account = await this.#options.account();
    const [fd] = await this.#open("connect", path, account);
    const socket = new Socket({ fd, allowHalfOpen: true });
    // A socket that breaks while nobody has taken it over yet must not end the process.
    socket.on("error", () => undefined);
    return socket;
  }

  /**
   * Listens on a socket that the login alone may use (mode 0600). A path that exists is refused, as by sshd without
   * StreamLocalBindUnlink. Throws `bad_parameter` or `unavailable`.
   */
  async listen(path: string, onConnection: (socket: Socket) => void): Promise<UnixListener> {
    const account = await this.#options.account();
    const [fd, is] = await this.#open("bind", path, account);
    const server = createServer({ allowHalfOpen: true }, onConnection);
    server.on("error", () => undefined);
    try {
      withRightsOf(account, () => server.listen({ fd }));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return { server, is };
  }

  /** Resolves with the socket's descriptor, which is the caller's, and what its opener says. */
  async #open(action: Action, path: string, account: Account): Promise<[number, string]> {
    if (!isAbsolute(path) || path.includes("\0") || Buffer.byteLength(path) >= MAX_PATH_BYTES) {
      throw badParameter(
        `the path of a socket has to begin with / and be shorter than ${MAX_PATH_BYTES} bytes`,
      );
    }
    await this.#turn();
    let fd: number | undefined;
    try {
      fd = makeUnixSocket();
      return [fd, await this.#run(action, path, account, fd)];
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw error;
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#running >= MAX_OPENERS) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
  }

  async #run(action: Action, path: string, { name, uid, gid }: Account, fd: number): Promise<string> {
    const { tools, clock, opener = SOCKET_OPENER } = this.#options;
    const { file, args, environment } = ownCommand(tools, DESCRIPTORS, [
      ...opener,
      ...[action, name, String(uid), String(gid), path],
    ]);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe", fd], env: environment, cwd: "/" });
    const settled = new AbortController();
    const exited = new Promise<number | null>((resolve, reject) => {
      child.once("error", (cause) => reject(unavailable("cannot open sockets on this host", { cause })));
      child.once("exit", resolve);
    });
    const late = clock.sleep(OPENING_MS, settled.signal).then(() => {
      child.kill("SIGKILL");
      throw unavailable(`${action} unix ${path}: no answer within ${OPENING_MS / 1000} s`);
    });
    const finished = Promise.all([exited, text(child.stdout as Socket), text(child.stderr as Socket)]);
    try {
      const [code, is, problem] = await Promise.race([finished, late]);
      if (code === 0) return is;
      throw unavailable(problem.trim().split("\n").at(-1) || `${action} unix ${path}: the opener has died`);
    } finally {
      late.catch(() => undefined);
      finished.catch(() => undefined);
      settled.abort();
    }
  }
}
