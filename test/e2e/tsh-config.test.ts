/** Stock ssh, scp and sftp through the configuration that `tsh config` prints. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, run, succeed } from "./kit/programs.js";
import { Tsh } from "./kit/tsh.js";
import { addUser } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
const NODE = `${LOGIN}@node1.example.test`;

describe("e2e: tsh config", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let config: string;
  let alice: Tsh;

  before(async function () {
    needProgram(this, "ssh", "scp", "sftp");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    alice = new Tsh(daemon, "alice");
    await alice.login("alice");
    config = path.join(daemon.folder, "ssh.cfg");
    const { code, stdout, stderr } = await alice.run(["config"]);
    assert.equal(code, 0, stderr);
    writeFileSync(config, stdout);
  });
  after(() => daemon?.remove());

  const args = (): string[] => ["-F", config, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"];

  it("runs commands, with the node's host certificate checked and exit codes passed on", async () => {
    const { code, stdout, stderr } = await run("ssh", [...args(), NODE, "echo through; exit 4"]);
    assert.equal(stdout, "through\n", stderr);
    assert.equal(code, 4);
  });

  it("copies files with scp and sftp", async () => {
    const file = (name: string): string => path.join(daemon.folder, name);
    writeFileSync(file("a"), Buffer.alloc(2_000_000, "abc"));
    await succeed("scp", [...args(), file("a"), `${NODE}:${file("b")}`]);
    await succeed("sftp", [...args(), `${NODE}:${file("b")}`, file("c")]);
    assert.ok(readFileSync(file("c")).equals(readFileSync(file("a"))));
  });

  it("says in one line why a node is not reached", async () => {
    const { code, stderr } = await run("ssh", [...args(), `${LOGIN}@nohost.example.test`, "true"]);
    assert.equal(code, 255);
    assert.match(stderr, /^error: failed connecting to node nohost\.example\.test\. no node of cluster/m);
  });

  it("asks for a login, and for nothing else, once that is gone", async () => {
    await alice.run(["logout"]);
    const { code, stderr } = await run("ssh", [...args(), NODE, "true"]);
    assert.equal(code, 255);
    assert.match(stderr, /^error: alice is not logged in: log in with tsh login --proxy=127\.0\.0\.1$/m);
  });
});
