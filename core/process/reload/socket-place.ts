import { closeSync, constants, openSync } from "node:fs";
import path from "node:path";

/** `sun_path` takes 107 bytes and a zero; a little less leaves room for suffixes. */
const MAX_SOCKET_PATH_BYTES = 90;

/** A folder by a name that is short enough for addresses of sockets in it. */
export interface SocketPlace {
  file(name: string): string;
  /** Must be called when no file of the place is needed any more. */
  close(): void;
}

/** Opens a folder. Its files are reached through a descriptor where its path is too long for a socket's address. */
export function socketPlace(folder: string): SocketPlace {
  if (Buffer.byteLength(folder) <= MAX_SOCKET_PATH_BYTES) {
    return { file: (name) => path.join(folder, name), close: () => undefined };
  }
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    file: (name) => `/proc/self/fd/${descriptor}/${name}`,
    close: () => closeSync(descriptor),
  };
}
