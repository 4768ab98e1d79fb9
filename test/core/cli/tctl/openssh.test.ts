import assert from "node:assert/strict";
import path from "node:path";
import { exportAuthorities } from "../../../../core/cli/tctl/auth-export.js";
import { sign, type SignFlags } from "../../../../core/cli/tctl/auth-sign.js";
import { parseAuthorizedKey } from "../../../../core/pki/ssh-key.js";
import { signUp, startAuth, type AuthFixture } from "../../auth/auth-fixture.js";
import { MovingClock } from "../../auth/moving-clock.js";
import { needPrograms, OpenSsh, type ProgramResult } from "../../ssh/openssh.js";
import { desk, server } from "./tctl-fixture.js";

describe("stock ssh and sshd with nothing but what tctl auth gives", function () {
  this.timeout(60_000);
  let auth: AuthFixture;
  let openssh: OpenSsh;
  let port: number;

  before(async function () {
    needPrograms(this, "/usr/bin/ssh", "/usr/sbin/sshd");
    if (process.getuid?.() !== 0) {
      console.log("      skipped: sshd that logs in root needs root");
      this.skip();
    }
    openssh = new OpenSsh();
    auth = await startAuth({}, { clock: new MovingClock(new Date().toISOString()) });
    await signUp(auth, "alice", "correct horse");
    await signed({ host: "node1.example.test,127.0.0.1", out: path.join(openssh.directory, "host") });
    await signed({ user: "alice", out: path.join(openssh.directory, "alice") });
    const userLine = (await exported("user")).replace(/^cert-authority /, "");
    ({ port } = await openssh.startSshd(
      path.join(openssh.directory, "host"),
      parseAuthorizedKey(userLine).blob,
    ));
  });

  after(async () => {
    openssh?.dispose();
    await auth?.close();
  });

  async function signed(flags: Partial<SignFlags>): Promise<void> {
    const world = { ...desk(auth.as("Admin")), clock: new MovingClock(new Date().toISOString()) };
    await sign(world, { format: "openssh", ttl: "12h", ...flags });
  }

  async function exported(type: "user" | "host", proxyAddress = "10.0.0.1:3023"): Promise<string> {
    const proxy = server("proxy", "p1", { addr: proxyAddress });
    const world = desk({ ...auth.as("Admin"), getProxies: async () => [proxy] });
    await exportAuthorities(world, { type });
    return world.output();
  }

  function ssh(knownHosts: string, ...options: string[]): Promise<ProgramResult> {
    const known = openssh.write("known_hosts", knownHosts);
    const key = path.join(openssh.directory, "alice");
    const set = [`UserKnownHostsFile=${known}`, "GlobalKnownHostsFile=none", "StrictHostKeyChecking=yes"];
    return openssh.run("ssh", [
      ...["-F", "none", "-i", key, "-p", String(port)],
      ...[...set, "BatchMode=yes", "IdentitiesOnly=yes", ...options].flatMap((option) => ["-o", option]),
      ...["root@127.0.0.1", "echo", "hello"],
    ]);
  }

  it("reaches a proxy by its announced address and port", async () => {
    const { status, stdout, stderr } = await ssh(await exported("host", `127.0.0.1:${port}`));
    assert.equal(status, 0, stderr);
    assert.equal(stdout.toString(), "hello\n");
  });

  it("reaches a node by its name in the cluster, on any port", async () => {
    const { status, stderr } = await ssh(await exported("host"), "HostKeyAlias=node1.example.test");
    assert.equal(status, 0, stderr);
  });

  it("believes the authority for no other port of the proxy's host", async () => {
    const { status, stderr } = await ssh(await exported("host", `127.0.0.1:${port + 1}`));
    assert.equal(status, 255);
    assert.match(stderr, /Host key verification failed/);
  });
});
