/** `--add-keys-to-agent`: what a login does with the user's SSH agent. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import path from "node:path";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, run, type Outcome } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { Tsh } from "./kit/tsh.js";
import { addUser, PASSWORD } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";

describe("e2e: tsh and the SSH agent", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let agent: ChildProcess;
  let env: { SSH_AUTH_SOCK: string };

  before(async function () {
    needProgram(this, "ssh-agent", "ssh-add");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
  });
  beforeEach(async () => {
    env = { SSH_AUTH_SOCK: path.join(daemon.folder, "agent.sock") };
    agent = spawn("ssh-agent", ["-D", "-a", env.SSH_AUTH_SOCK], { stdio: ["ignore", "pipe", "ignore"] });
    await said(agent.stdout!, "SSH_AUTH_SOCK");
  });
  afterEach(async () => {
    agent.kill();
    await once(agent, "close");
  });
  after(() => daemon?.remove());

  const held = async (): Promise<string> => (await run("ssh-add", ["-l"], { env })).stdout;
  const login = (tsh: Tsh, policy: string, variables: Record<string, string>): Promise<Outcome> =>
    tsh.run(
      [
        "login",
        `--proxy=127.0.0.1:${daemon.ports.web},${daemon.ports.ssh}`,
        "--user=alice",
        "--insecure",
        `--add-keys-to-agent=${policy}`,
      ],
      { input: `${PASSWORD}\n`, env: variables },
    );
  const keysOnDisk = (tsh: Tsh): string[] =>
    readdirSync(tsh.home, { recursive: true, encoding: "utf8" }).filter((name) => /alice/.test(name));

  it("no leaves the agent alone, also at the commands that follow", async () => {
    const tsh = new Tsh(daemon, "no");
    assert.equal((await login(tsh, "no", env)).code, 0);
    assert.match(await held(), /no identities/);
    assert.equal((await tsh.run(["--add-keys-to-agent=no", "ls"], { env })).code, 0);
    assert.match(await held(), /no identities/);
    assert.notDeepEqual(keysOnDisk(tsh), []);
  });

  it("always fails where no agent takes the key, and says so", async () => {
    const tsh = new Tsh(daemon, "always");
    const done = await login(tsh, "always", env);
    assert.equal(done.code, 0, done.stderr);
    assert.match(await held(), /teleport:alice \(RSA-CERT\)/);
    for (const socket of ["", path.join(daemon.folder, "nobody.sock")]) {
      const failed = await login(new Tsh(daemon, "always-without"), "always", { SSH_AUTH_SOCK: socket });
      assert.equal(failed.code, 1, failed.stderr);
      assert.match(failed.stderr, /error: .*SSH agent.*\n$/);
    }
  });

  it("only keeps the key out of the folder of logins, once the agent has it", async () => {
    const tsh = new Tsh(daemon, "only");
    await tsh.login("alice");
    assert.equal((await login(tsh, "only", { SSH_AUTH_SOCK: "" })).code, 1);
    assert.notDeepEqual(keysOnDisk(tsh), []);
    const done = await login(tsh, "only", env);
    assert.equal(done.code, 0, done.stderr);
    assert.match(await held(), /teleport:alice \(RSA-CERT\)/);
    assert.match(done.stdout, /in the SSH agent only/);
    assert.deepEqual(keysOnDisk(tsh), []);
  });
});
