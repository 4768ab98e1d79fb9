/** Many channels on one connection, and what is left of them. */
import assert from "node:assert/strict";
import type { SshConnection } from "../../core/ssh/contract.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { held } from "./kit/diagnostics.js";
import { connectToNode, execute, signerOf } from "./kit/direct.js";
import { addUser, sshClient } from "./kit/users.js";
import { LOGIN } from "./kit/ways.js";

const CHANNELS = 1_000;
const AT_ONCE = 8;

describe("e2e: channels", function () {
  this.timeout(180_000);
  let daemon: Daemon;
  let connection: SshConnection;

  before(async () => {
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    connection = await connectToNode(daemon, signerOf(await sshClient(daemon, "alice", LOGIN)));
  });
  after(async () => {
    connection?.disconnect("done");
    await daemon?.remove();
  });

  it(`opens and closes ${CHANNELS} on one connection, each with its own answer, and keeps none open`, async () => {
    // The first ones fill pools and caches that stay.
    for (let i = 0; i < AT_ONCE; i++) await execute(connection, "true");
    const before = await held(daemon);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < CHANNELS) {
        const mine = next++;
        assert.equal(await execute(connection, `echo ${mine}`), `${mine}\n`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    // The last event of a session is written behind its channel's end.
    await daemon.auditHolds(
      (events) => events.filter(({ event }) => event === "session.end").length >= CHANNELS + AT_ONCE,
    );
    const after = await held(daemon);
    assert.ok(
      after.openFiles <= before.openFiles + AT_ONCE,
      `${before.openFiles} → ${after.openFiles} open files`,
    );
    assert.ok(after.timers <= before.timers + AT_ONCE, `${before.timers} → ${after.timers} timers`);
  });
});
