/**
 * Ports that nobody else takes between the choice and the use: they lie below those that the kernel hands out, and no
 * two test processes choose from the same block.
 */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";

const LOWEST_PORT = 10_000;
const BLOCK_SIZE = 250;
/** Where Linux starts to hand out ports unless told otherwise, and no other system starts below. */
const USUAL_EPHEMERAL_PORT = 32_768;

/** A block is this process's own for as long as it listens on the block's first port, which goes with the process. */
let block: Promise<{ first: number; guard: Server }> | undefined;
let taken = 0;

/** Loopback ports that are free. The same one is not given twice before the block's others were. */
export async function freePorts(count: number): Promise<number[]> {
  block ??= claimBlock();
  const { first } = await block;
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    if (tries >= BLOCK_SIZE) throw new Error(`fewer than ${count} of the ports from ${first} on are free`);
    const port = first + 1 + (taken++ % (BLOCK_SIZE - 1));
    const server = await listenOn(port);
    if (!server) continue;
    await new Promise((resolve) => server.close(resolve));
    ports.add(port);
  }
  return [...ports];
}

async function claimBlock(): Promise<{ first: number; guard: Server }> {
  const end = firstEphemeralPort();
  for (let first = LOWEST_PORT; first + BLOCK_SIZE <= end; first += BLOCK_SIZE) {
    const guard = await listenOn(first);
    if (!guard) continue;
    guard.unref();
    return { first, guard };
  }
  throw new Error(`every block of ports from ${LOWEST_PORT} to ${end} is taken`);
}

/** A server on a port of the loopback; undefined where somebody else has it. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(undefined);
      else reject(error);
    });
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

function firstEphemeralPort(): number {
  let lowest: number | undefined;
  try {
    lowest = Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/)[0]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  // Where the kernel hands out low ports too, none are safe from it, and these are as good as any.
  return lowest !== undefined && lowest > LOWEST_PORT + BLOCK_SIZE ? lowest : USUAL_EPHEMERAL_PORT;
}
