/**
 * Connects to a node and disconnects, ten thousand times, every tenth time with a command, and shows what the daemon
 * holds before and after: descriptors, timers and heap must be where they began.
 */
import { setTimeout as pause } from "node:timers/promises";
import { startDaemon, type Daemon } from "../test/e2e/kit/daemon.js";
import { held, type Held } from "../test/e2e/kit/diagnostics.js";
import { connectToNode, execute, signerOf } from "../test/e2e/kit/direct.js";
import { temporaryFolder } from "../test/kit/paths.js";
import { addUser, sshClient } from "../test/e2e/kit/users.js";
import { LOGIN } from "../test/e2e/kit/ways.js";
import type { SshSigner } from "../core/ssh/contract.js";

const CONNECTIONS = Number(process.env.BENCH_CONNECTIONS ?? 10_000);
const WARM_UP = 500;
const AT_ONCE = 8;
const SNAPSHOT_SIGNAL = "SIGPROF";
const LOOKS = 10;
const LOOK_MS = 1_000;
/** Growth that is still "where it began". */
const TOLERANCE = { openFiles: 2, timers: 2, heapBytes: 10_000_000 };

async function connectMany(daemon: Daemon, signer: SshSigner, count: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const withCommand = next++ % 10 === 0;
      const connection = await connectToNode(daemon, signer);
      if (withCommand) await execute(connection, "true");
      connection.disconnect("done");
      await connection.whenClosed;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/**
 * What the daemon holds once it has nothing to do and its heap is collected, which writing a snapshot does: the least of
 * several looks, since spare descriptors come and go.
 */
async function atRest(daemon: Daemon): Promise<Held> {
  daemon.child.kill(SNAPSHOT_SIGNAL);
  const looks: Held[] = [];
  for (let i = 0; i < LOOKS; i++) {
    await pause(LOOK_MS);
    looks.push(await held(daemon));
  }
  const least = (of: (look: Held) => number): number => Math.min(...looks.map(of));
  return {
    openFiles: least(({ openFiles }) => openFiles),
    timers: least(({ timers }) => timers),
    heapBytes: least(({ heapBytes }) => heapBytes),
  };
}

// Snapshots are written to the working directory.
const { folder, remove } = await temporaryFolder();
process.chdir(folder);
process.env.NODE_OPTIONS = `--heapsnapshot-signal=${SNAPSHOT_SIGNAL}`;
const daemon = await startDaemon();
try {
  await addUser(daemon, "alice", LOGIN);
  const signer = signerOf(await sshClient(daemon, "alice", LOGIN));
  await connectMany(daemon, signer, WARM_UP);
  const before = await atRest(daemon);
  const started = performance.now();
  await connectMany(daemon, signer, CONNECTIONS);
  const seconds = (performance.now() - started) / 1000;
  const after = await atRest(daemon);
  const met = (Object.keys(TOLERANCE) as (keyof Held)[]).every(
    (key) => after[key] <= before[key] + TOLERANCE[key],
  );
  console.log(JSON.stringify({ benchmark: "soak", connections: CONNECTIONS, seconds, before, after, met }));
  if (!met) process.exitCode = 1;
} finally {
  await daemon.remove();
  await remove();
}
