/** `tsh -J`: the proxy, or a stock sshd, as the jump host. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram } from "./kit/programs.js";
import { startSshd, type StockSshd } from "./kit/sshd.js";
import { Tsh } from "./kit/tsh.js";
import { addUser } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";

describe("e2e: tsh -J", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let alice: Tsh;
  let sshd: StockSshd;

  before(async function () {
    needProgram(this, "/usr/sbin/sshd");
    daemon = await startDaemon({ ssh_service: { labels: { env: "test" } } });
    await addUser(daemon, "alice", LOGIN);
    alice = new Tsh(daemon, "alice");
    await alice.login("alice");
    sshd = await startSshd(daemon);
  });
  after(async () => {
    sshd?.stop();
    await daemon?.remove();
  });

  it("leads through another address of the proxy to everything that the proxy does", async () => {
    const jump = ["-J", `${LOGIN}@127.0.0.1:${daemon.ports.ssh}`];
    const command = await alice.run([...jump, "ssh", `${LOGIN}@node1`, "echo via; exit 3"]);
    assert.deepEqual([command.code, command.stdout], [3, "via\n"], command.stderr);
    const labelled = await alice.run([...jump, "ssh", `${LOGIN}@env=test`, "echo via"]);
    assert.equal(labelled.code, 0, labelled.stderr);
    assert.match((await alice.run([...jump, "ls", "--format=names"])).stdout, /^node1$/m);
    assert.match((await alice.run([...jump, "clusters"])).stdout, /^example\.test +online/m);
    const copy = path.join(daemon.folder, "copied");
    const copied = await alice.run([...jump, "scp", `${LOGIN}@node1:${daemon.configFile}`, copy]);
    assert.equal(copied.code, 0, copied.stderr);
    assert.equal(readFileSync(copy, "utf8"), readFileSync(daemon.configFile, "utf8"));
  });

  it("leads through a stock sshd to nodes by their addresses, and says what such a host cannot do", async () => {
    const jump = ["-J", `${LOGIN}@${sshd.host}:${sshd.port}`];
    const port = String(daemon.ports.node);
    const command = await alice.run([...jump, "ssh", "-p", port, `${LOGIN}@127.0.0.1`, "echo via"]);
    assert.deepEqual([command.code, command.stdout], [0, "via\n"], command.stderr);
    const listed = await alice.run([...jump, "ls"]);
    assert.equal(listed.code, 1);
    assert.equal(
      listed.stderr,
      "error: a jump host that is no proxy of Teleport only leads to nodes: leave out -J for this command\n",
    );
  });
});
