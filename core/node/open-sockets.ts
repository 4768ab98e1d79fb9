/**
 * The Unix sockets that forwarding has made outside of the data directory. Those that a killed daemon leaves behind are
 * removed at the next start: a forwarding that finds its path taken is refused.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { lstat, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { accessDenied, errorChain, errorMessage } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";
import { ProcessNotes } from "../session/process-notes.js";
import type { AccountLookup } from "./account.js";
import { fingerprint } from "./file-fingerprint.js";
import { launchCommand, type LaunchTools } from "./launcher.js";

/** A socket of a login, wherever the client wanted it. */
interface LoginSocket {
  readonly login: string;
  readonly path: string;
  /** As `fingerprint` gives it. */
  readonly is: string;
}

/** A folder of the daemon's own, with the socket of a forwarded agent. */
interface AgentFolder {
  readonly folder: string;
  readonly socket: string;
  readonly is: string;
}

/** What the sockets of a node need. */
export interface OpenSocketsOptions {
  /** For the notes about open sockets, which belong to them alone. */
  readonly directory: string;
  readonly lookupAccount: AccountLookup;
  readonly tools: LaunchTools;
  readonly log: Logger;
}

/** How long removing a socket may take, on whatever file system its path leads to. */
const REMOVAL_MS = 10_000;
const REMOVE =
  '[ -e "$1" ] || exit 0; [ "$(stat -c "%d %i %Y" -- "$1")" = "$2" ] && [ -S "$1" ] && rm -f -- "$1"';

/** The open sockets of one node. */
export class OpenSockets {
  readonly #options: OpenSocketsOptions;
  readonly #notes: ProcessNotes<LoginSocket | AgentFolder>;

  constructor(options: OpenSocketsOptions) {
    const { directory, log } = options;
    this.#options = options;
    this.#notes = new ProcessNotes({ directory, key: "socket", isFact: isSocket, log });
  }

  /**
   * Notes the socket that a login listens on, by its `fingerprint`. The returned function removes it, unless another one
   * has taken its place, and forgets it; it never rejects.
   */
  addSocket(login: string, path: string, is: string): () => Promise<void> {
    const socket = { login, path, is };
    const forget = this.#add(socket);
    return async () => {
      await this.#removeSocket(socket).catch((error: unknown) => {
        this.#options.log.info("a socket of a forwarding stays", { path, error: errorMessage(error) });
      });
      forget();
    };
  }

  /** Notes the folder of a forwarded agent, which holds nothing but the socket; the returned function forgets it. */
  async addAgentFolder(folder: string, socket: string): Promise<() => void> {
    return this.#add({ folder, socket, is: fingerprint(await lstat(folder)) });
  }

  /** Removes what processes that have died have left behind, and nothing that others have put in its place. Never rejects. */
  async removeLeftovers(): Promise<void> {
    const { log } = this.#options;
    await this.#notes
      .recover(async (left) => {
        const path = "path" in left ? left.path : left.folder;
        try {
          await ("path" in left ? this.#removeSocket(left) : removeFolder(left));
          log.info("a socket of an earlier run was removed", { path });
        } catch (error) {
          log.warn("a socket of an earlier run stays", { path, error: errorMessage(error) });
        }
      })
      .catch((error: unknown) => {
        log.error("the sockets of an earlier run are not known", { error: errorChain(error) });
      });
  }

  #add(socket: LoginSocket | AgentFolder): () => void {
    const name = randomUUID();
    void this.#notes.add(name, socket);
    return () => void this.#notes.remove(name);
  }

  /** As its login: no path leads such a process to what is not the login's to remove. */
  async #removeSocket({ login, path, is }: LoginSocket): Promise<void> {
    const { lookupAccount, tools } = this.#options;
    const launch = {
      account: await lookupAccount(login),
      program: "/bin/sh",
      argv0: "sh",
      args: ["-c", REMOVE, "sh", path, is],
      environment: new Map([["PATH", "/usr/bin:/bin"]]),
    };
    const { file, args, environment } = launchCommand(tools, launch);
    const options = { env: environment, cwd: "/", timeout: REMOVAL_MS, killSignal: "SIGKILL" } as const;
    await promisify(execFile)(file, args, options).catch((cause: unknown) => {
      throw accessDenied("it is not what the earlier run has made, or cannot be removed by its login", {
        cause,
      });
    });
  }
}

async function removeFolder({ folder, socket, is }: AgentFolder): Promise<void> {
  const there = await lstat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (there === undefined) return;
  if (!there.isDirectory() || fingerprint(there) !== is) {
    throw accessDenied("it is not what the earlier run has made");
  }
  const path = join(folder, socket);
  if ((await lstat(path)).isSocket()) await unlink(path);
  await rmdir(folder);
}

function isSocket(value: unknown): value is LoginSocket | AgentFolder {
  const fact = (value ?? {}) as Partial<Record<string, unknown>>;
  const texts = "path" in fact ? ["login", "path", "is"] : ["folder", "socket", "is"];
  return texts.every((key) => typeof fact[key] === "string");
}
