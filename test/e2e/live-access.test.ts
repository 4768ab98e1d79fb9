/** Sessions that are no longer allowed end at once, and say why. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Lock } from "../../core/resources/lock.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { withAdmin } from "./kit/admin.js";
import { needProgram, run } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";

describe("e2e: live access", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let client: SshClient;
  before(async function () {
    needProgram(this, "ssh");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
  });
  after(() => daemon?.remove());
  afterEach(() =>
    withAdmin(daemon, async (api) => {
      for (const { metadata } of await api.getLocks()) await api.deleteLock(metadata.name);
    }),
  );

  const args = (command: string, variables = ""): string[] => [
    // With this level, bash leaves out the start files of its user.
    ...[...client.args, "-o", `SetEnv=SHLVL=5 ${variables}`, "-J", client.jump],
    ...["-tt", `${LOGIN}@node1.example.test`, command],
  ];

  /** Opens a session that would last, cuts it, and returns what its terminal showed and how ssh ended. */
  async function cut(how: () => Promise<void>): Promise<{ text: string; code: number | null }> {
    const ssh: ChildProcess = spawn("ssh", args("echo on''line; exec sleep 600"));
    const texts: string[] = [];
    ssh.stdout!.on("data", (chunk: Buffer) => texts.push(chunk.toString()));
    ssh.stderr!.on("data", (chunk: Buffer) => texts.push(chunk.toString()));
    await said(ssh.stdout!, "online");
    const closed = once(ssh, "close");
    await how();
    const [code] = (await closed) as [number | null];
    return { text: texts.join(""), code };
  }

  const lockOf = (target: Lock["spec"]["target"], message: string): Lock => ({
    ...{ kind: "lock", version: "v2", metadata: { name: randomUUID() } },
    spec: { target, message },
  });

  it("ends when a lock is set, refuses new ones, and lets them in when it is lifted", async () => {
    const lock = lockOf({ user: "alice" }, "under investigation");
    const { text, code } = await cut(() => withAdmin(daemon, (api) => api.upsertLock(lock)));
    assert.match(text, /This session ends: lock targeting User:"alice" is in force: under investigation/);
    assert.notEqual(code, 0);
    const event = await daemon.audited(
      ({ event: name, reason }) => name === "client.disconnect" && /under investigation/.test(String(reason)),
    );
    assert.equal(event.code, "T3006I");
    assert.notEqual((await run("ssh", args("true"))).code, 0);
    await withAdmin(daemon, (api) => api.deleteLock(lock.metadata.name));
    for (;;) if ((await run("ssh", args("true"))).code === 0) break;
  });

  it("ends when a role change takes the login away", async () => {
    const admin = await withAdmin(daemon, (api) => api.getRole("admin"));
    const denied = { ...admin, spec: { ...admin.spec, deny: { ...admin.spec.deny, logins: [LOGIN] } } };
    const { text } = await cut(() => withAdmin(daemon, (api) => api.upsertRole(denied)));
    assert.match(text, /This session ends: access to server denied: role admin denies the login/);
    await withAdmin(daemon, (api) => api.upsertRole(admin));
    for (;;) if ((await run("ssh", args("true"))).code === 0) break;
  });

  it("ends alone when a lock names the session", async () => {
    const sid = randomUUID();
    const ssh = spawn("ssh", args("exec sleep 600", `TELEPORT_SESSION=${sid}`));
    await daemon.audited(({ event, sid: id }) => event === "session.start" && id === sid);
    const lock = lockOf({ session: sid }, "terminated");
    const closed = once(ssh, "close");
    const told = said(ssh.stdout, "is in force: terminated");
    await withAdmin(daemon, (api) => api.upsertLock(lock));
    await told;
    await closed;
    assert.equal((await run("ssh", args("true"))).code, 0);
    await daemon.audited(({ event, sid: id }) => event === "session.end" && id === sid);
    await withAdmin(daemon, (api) => api.deleteLock(lock.metadata.name));
  });
});
