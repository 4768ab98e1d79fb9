/** Clients choose the ids of their sessions: an id must not be a way to an earlier session's recording. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, run, type Outcome } from "./kit/programs.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";

for (const policy of ["strict", "best_effort"]) {
  describe(`e2e: session ids, audit_policy: ${policy}`, function () {
    this.timeout(120_000);
    let daemon: Daemon;
    let client: SshClient;
    before(async function () {
      needProgram(this, "ssh");
      daemon = await startDaemon({ teleport: { audit_policy: policy } });
      await addUser(daemon, "alice", LOGIN);
      client = await sshClient(daemon, "alice", LOGIN);
    });
    after(() => daemon?.remove());

    const session = (sid: string, command: string): Promise<Outcome> =>
      run("ssh", [
        ...[...client.args, "-o", `SetEnv=TELEPORT_SESSION=${sid}`, "-J", client.jump],
        ...["-tt", `${LOGIN}@node1.example.test`, command],
      ]);
    const recordings = (): string[] => {
      const folder = path.join(daemon.dataDir, "log");
      return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith(".tar"),
      );
    };

    it("refuses the id of an earlier session, before and after its upload, and keeps its recording", async () => {
      const sid = randomUUID();
      assert.match((await session(sid, "echo first")).stdout, /first/);
      const refused = async (): Promise<void> => {
        const { code, stdout, stderr } = await session(sid, "echo second");
        assert.notEqual(code, 0);
        assert.doesNotMatch(stdout, /^second/m);
        assert.match(stdout + stderr, new RegExp(`a session with the id ${sid} is on record already`));
      };
      await refused();
      await daemon.audited((event) => event.event === "session.upload" && event.sid === sid);
      const [name] = recordings();
      const before = readFileSync(path.join(daemon.dataDir, "log", name!));
      await refused();

      assert.match((await session(randomUUID(), "echo third")).stdout, /third/, "another id is welcome");
      await daemon.audited((event) => event.event === "session.upload" && event.sid !== sid);
      assert.equal(recordings().length, 2);
      assert.deepEqual(readFileSync(path.join(daemon.dataDir, "log", name!)), before);
      const starts = daemon.audit().filter((event) => event.event === "session.start" && event.sid === sid);
      assert.equal(starts.length, 1);
    });
  });
}
