import net from "node:net";
import { badParameter, CodedError, errorMessage, unavailable, type ErrorCode } from "../../errors/error.js";
import { CONTROL_SOCKET, encodeReload, type ControlReply } from "./control-protocol.js";
import type { ReloadRequest, Say } from "./reloads.js";
import { socketPlace } from "./socket-place.js";

/**
 * Has the daemon of a data directory reload, and returns when it is done. Throws what the daemon says was in the way, with
 * its code, `unavailable` where no daemon answers, and `bad_parameter` where it belongs to another user.
 */
export async function requestReload(dataDir: string, request: ReloadRequest, say: Say): Promise<void> {
  const place = openPlace(dataDir);
  try {
    const socket = await connected(place.file(CONTROL_SOCKET), dataDir);
    try {
      socket.write(encodeReload(request));
      await answered(socket, say);
    } finally {
      socket.destroy();
    }
  } finally {
    place.close();
  }
}

function openPlace(dataDir: string) {
  try {
    return socketPlace(dataDir);
  } catch (cause) {
    throw notThere(dataDir, cause as NodeJS.ErrnoException);
  }
}

function connected(file: string, dataDir: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(file);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (cause: NodeJS.ErrnoException) => reject(notThere(dataDir, cause)));
  });
}

function notThere(dataDir: string, cause: NodeJS.ErrnoException): CodedError {
  if (cause.code === "EACCES" || cause.code === "EPERM") {
    return badParameter(
      `the daemon on ${dataDir} belongs to another user: run this as root, or as the user that teleport runs as`,
      { cause },
    );
  }
  return unavailable(`no daemon runs on the data_dir ${dataDir}: start it with teleport start`, { cause });
}

async function answered(socket: net.Socket, say: Say): Promise<void> {
  let rest = "";
  try {
    socket.setEncoding("utf8");
    for await (const text of socket as AsyncIterable<string>) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const reply = JSON.parse(line) as ControlReply;
        if ("line" in reply) say(reply.line);
        else if (reply.end === "done") return;
        else throw new CodedError(reply.code as ErrorCode, reply.error);
      }
    }
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw unavailable(`the connection to the daemon broke: ${errorMessage(error)}`, { cause: error });
  }
  throw unavailable("the daemon ended before it was done: see its log, and tctl storage status");
}
