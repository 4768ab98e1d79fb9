/** The store of a running cluster goes away: what goes on, what is refused, and who says so. */
import assert from "node:assert/strict";
import { generateEd25519KeyPair } from "../../core/pki/keys.js";
import { sshPublicLine } from "../../core/pki/ssh-key.js";
import type { EtcdMember } from "../kit/etcd-member.js";
import { needEtcd, startEtcd, type EtcdCluster } from "../kit/etcd.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { connectToNode, execute, signerOf } from "./kit/direct.js";
import { callWeb, addUser, PASSWORD, sshClient } from "./kit/users.js";
import { Tsh } from "./kit/tsh.js";
import { LOGIN } from "./kit/ways.js";

const WARNING = /WARNING: the cluster's storage is away. This is the state of \d{4}-/;

describe("a cluster whose storage is away", function () {
  this.timeout(180_000);
  let etcd: EtcdCluster;
  let daemon: Daemon;
  let tsh: Tsh;

  before(async function () {
    needEtcd(this);
    etcd = await startEtcd();
    daemon = await startDaemon({
      teleport: { storage: etcd.settings({ type: "etcd", prefix: "/away" }) },
    });
    await addUser(daemon, "joe", LOGIN);
    tsh = new Tsh(daemon, "joe");
    await tsh.login("joe");
  });
  after(async () => {
    etcd?.members.forEach((member) => member.thaw());
    await daemon?.remove();
    await etcd?.dispose();
  });

  const readiness = async (): Promise<{ code: number; text: string }> => {
    const response = await fetch(`http://127.0.0.1:${daemon.ports.diag}/readyz`);
    return { code: response.status, text: await response.text() };
  };
  const metric = async (): Promise<string | undefined> => {
    const text = await (await fetch(`http://127.0.0.1:${daemon.ports.diag}/metrics`)).text();
    return /^auth_storage_available (\d)$/m.exec(text)?.[1];
  };

  it("reads on, keeps its sessions, begins new ones, refuses changes, and says so", async () => {
    const signer = signerOf(await sshClient(daemon, "joe", LOGIN));
    const open = await connectToNode(daemon, signer);
    assert.equal(await execute(open, "echo before"), "before\n");
    assert.equal((await readiness()).code, 200);
    assert.equal(await metric(), "1");

    etcd.members.forEach((member) => member.freeze());
    await daemon.logged("the storage is away");
    const { code, text } = await readiness();
    assert.equal(code, 503);
    assert.match(text, /the storage is away since .*changes are refused: /);
    assert.equal(await metric(), "0");

    // Whoever is there goes on, and who has a certificate comes in.
    assert.equal(await execute(open, "echo during"), "during\n");
    const fresh = await connectToNode(daemon, signer);
    assert.equal(await execute(fresh, "echo new"), "new\n");
    const ssh = await tsh.run(["ssh", `${LOGIN}@node1`, "echo", "through"]);
    assert.deepEqual([ssh.code, ssh.stdout], [0, "through\n"], ssh.stderr);

    const ls = await tsh.run(["ls"]);
    assert.equal(ls.code, 0, ls.stderr);
    assert.match(ls.stdout, /node1/);
    assert.match(ls.stderr, WARNING);
    for (const args of [["status"], ["get", "roles", "--format=text"], ["nodes", "ls"]]) {
      const shown = await daemon.runTctl(args);
      assert.equal(shown.code, 0, shown.stderr);
      assert.match(shown.stderr, WARNING);
    }

    const change = await daemon.runTctl(["lock", "--user=ann"]);
    assert.equal(change.code, 1);
    assert.match(change.stderr, /the storage is away since .*try again later/);
    const tokens = await daemon.runTctl(["tokens", "ls"]);
    assert.equal(tokens.code, 1);
    assert.match(tokens.stderr, /the storage is away/);
    const key = sshPublicLine(generateEd25519KeyPair().publicKey);
    const login = await callWeb(daemon, "POST", "/v1/webapi/ssh/certs", {
      ...{ user: "joe", password: PASSWORD, otp_token: "", hotp_token: "" },
      ...{ pub_key: Buffer.from(key).toString("base64"), ttl: 3600_000_000_000 },
    });
    assert.equal(login.status, 504, login.text);

    etcd.members.forEach((member) => member.thaw());
    await daemon.logged("the storage is back");
    assert.equal((await readiness()).code, 200);
    assert.equal(await metric(), "1");
    await daemon.tctl("lock", "--user=ann");
    const after = await tsh.run(["ls"]);
    assert.equal(after.code, 0, after.stderr);
    assert.doesNotMatch(after.stderr, WARNING);
    assert.equal(daemon.output().split("the storage is away: reads").length, 2, daemon.output());
    open.disconnect("bye");
    fresh.disconnect("bye");
  });

  it("waits for a storage that is away at the start, and says so", async () => {
    await daemon.stop();
    const [member] = etcd.members as [EtcdMember];
    await member.kill();
    const started = daemon.restart();
    started.catch(() => undefined);
    await daemon.logged("the start waits for it");
    member.spawn();
    await started;
    assert.match(await daemon.tctl("get", "users", "--format=text"), /joe/);
  });
});
