/**
 * The socket in the data directory through which `teleport reload` speaks to the running daemon. Nobody but root and the
 * daemon's user can connect: the file has mode 0600, and lies in a directory that others cannot enter.
 */
import { chmodSync, renameSync, rmSync, statSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { badParameter, errorCode, errorMessage, unavailable } from "../../errors/error.js";
import type { Logger } from "../../plugin/logger.js";
import { CONTROL_SOCKET, decodeReload, MAX_LINE_BYTES, type ControlReply } from "./control-protocol.js";
import type { Reloads } from "./reloads.js";
import { socketPlace, type SocketPlace } from "./socket-place.js";

/** How long whoever connects may take to send the request. */
const REQUEST_MS = 10_000;

/** The open socket. */
export interface ControlSocket {
  /** Ends it, and removes its file where that is still this one's. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the socket in a data directory. A file that a dead process has left is replaced; where another living process
 * listens, that one keeps it, and the log says so.
 */
export async function openControlSocket(
  dataDir: string,
  reloads: Pick<Reloads, "run">,
  log: Logger,
): Promise<ControlSocket> {
  const place = socketPlace(dataDir);
  if (await answers(place.file(CONTROL_SOCKET))) {
    place.close();
    log.warn(
      `another daemon runs on the data_dir ${dataDir}: teleport reload reaches that one; give each a data_dir of its own`,
    );
    return { close: () => Promise.resolve() };
  }
  const connections = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    // Whoever asked may have left; what was begun goes on.
    socket.on("error", () => undefined);
    void serve(socket, reloads);
  });
  const inode = await listenAt(server, place).catch((cause: unknown) => {
    server.close();
    place.close();
    throw unavailable(`cannot make the socket ${CONTROL_SOCKET} in ${dataDir}: ${errorMessage(cause)}`, {
      cause,
    });
  });
  let closed: Promise<void> | undefined;
  return {
    close: () =>
      (closed ??= new Promise<void>((resolve) => {
        const file = path.join(dataDir, CONTROL_SOCKET);
        if (statSync(file, { throwIfNoEntry: false })?.ino === inode) rmSync(file, { force: true });
        for (const connection of connections) connection.destroy();
        server.close(() => resolve());
      }).finally(() => place.close())),
  };
}

/** Listens under a name of its own first, so that the socket never stands there with other rights, nor twice. */
async function listenAt(server: net.Server, place: SocketPlace): Promise<number> {
  const own = place.file(`${CONTROL_SOCKET}.${process.pid}`);
  rmSync(own, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(own, () => resolve());
  });
  chmodSync(own, 0o600);
  const { ino } = statSync(own);
  renameSync(own, place.file(CONTROL_SOCKET));
  return ino;
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(file);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}

async function serve(socket: net.Socket, reloads: Pick<Reloads, "run">): Promise<void> {
  const reply = (what: ControlReply): void =>
    void (socket.writable && socket.write(`${JSON.stringify(what)}\n`));
  try {
    const request = decodeReload(await firstLine(socket));
    await reloads.run(request, (line) => reply({ line }));
    reply({ end: "done" });
  } catch (error) {
    reply({ end: "failed", code: errorCode(error), error: errorMessage(error) });
  }
  socket.end();
}

function firstLine(socket: net.Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (why: string): void => {
      reject(badParameter(why));
    };
    const timer = setTimeout(() => fail("the request did not come"), REQUEST_MS);
    socket.on("data", (chunk: Buffer) => {
      const end = chunk.indexOf("\n");
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      size += chunk.length;
      if (end >= 0) resolve(Buffer.concat(chunks).toString());
      else if (size > MAX_LINE_BYTES) fail("the request is too long");
      if (end >= 0 || size > MAX_LINE_BYTES) {
        clearTimeout(timer);
        socket.removeAllListeners("data").resume();
      }
    });
    socket.once("close", () => {
      clearTimeout(timer);
      fail("the request is cut off");
    });
  });
}
