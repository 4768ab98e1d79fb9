/** Who must not get in: each refusal is seen at the client and in the audit log. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Role } from "../../core/resources/role.js";
import { withAdmin } from "./kit/admin.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, ours, run, succeed, type Outcome } from "./kit/programs.js";
import { addUser, callWeb, PASSWORD, sshClient, totp, type SshClient, type User } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
/** The node is dialled by its address here and known by its name. */
const DIRECT = ["-o", "HostKeyAlias=node1.example.test"];

describe("e2e: refusals", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let alice: User;
  let client: SshClient;

  before(async function () {
    needProgram(this, "ssh", "ssh-keygen");
    daemon = await startDaemon({
      auth_service: { enabled: "yes", authentication: { type: "local", second_factor: "otp" } },
    });
    alice = await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
  });
  after(() => daemon?.remove());

  const node = (args: readonly string[], login = LOGIN): Promise<Outcome> =>
    run("ssh", [...args, ...DIRECT, "-p", String(daemon.ports.node), `${login}@127.0.0.1`, "true"]);
  const login = (user: string, password: string, code: string): ReturnType<typeof callWeb> =>
    callWeb(daemon, "POST", "/v1/webapi/ssh/certs", {
      user,
      password,
      otp_token: code,
      hotp_token: "",
      pub_key: execFileSync("ssh-keygen", ["-y", "-f", path.join(client.folder, "id")]).toString("base64"),
      ttl: 3600_000_000_000,
    });

  it("lets the user in who does everything right", async () => {
    assert.equal((await node(client.args)).code, 0);
  });

  it("refuses a wrong password, a wrong code and an unknown user in the same words", async () => {
    const replies = [
      await login("alice", "wrong password", totp(alice.secret)),
      await login("alice", PASSWORD, "000000"),
      await login("nobody-here", PASSWORD, "000000"),
    ];
    for (const reply of replies) assert.equal(reply.status, 403);
    assert.equal(new Set(replies.map(({ text }) => text)).size, 1, replies.map(({ text }) => text).join());
    await daemon.audited(
      (event) => event.event === "user.login" && event.success === false && event.user === "alice",
    );
  });

  it("takes a code once, also when two logins use it at the same time", async () => {
    const code = totp(alice.secret, 30);
    const replies = await Promise.all([login("alice", PASSWORD, code), login("alice", PASSWORD, code)]);
    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 403]);
    assert.equal((await login("alice", PASSWORD, code)).status, 403);
  });

  it("locks a user after five failures, also against the right password", async () => {
    const bob = await addUser(daemon, "bob", LOGIN);
    for (let i = 0; i < 5; i++) await login("bob", "wrong password", "000000");
    const reply = await login("bob", PASSWORD, totp(bob.secret));
    assert.equal(reply.status, 403);
    assert.match(reply.text, /locked/);
    const failures = daemon
      .audit()
      .filter(({ event, user, success }) => event === "user.login" && user === "bob" && success === false);
    assert.equal(failures.length, 6, "every attempt is audited, the refused right one too");
  });

  it("refuses a login that the certificate does not name", async () => {
    const { code, stderr } = await node(client.args, "daemon");
    assert.equal(code, 255);
    assert.match(stderr, /Permission denied/);
    await daemon.audited((event) => event.code === "T3007W" && event.login === "daemon");
  });

  it("refuses a certificate of another authority", async () => {
    const folder = path.join(client.folder, "forged");
    execFileSync("mkdir", ["-p", folder]);
    execFileSync("ssh-keygen", ["-q", "-t", "rsa", "-N", "", "-f", path.join(folder, "ca")]);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path.join(folder, "id")]);
    execFileSync("ssh-keygen", [
      "-q",
      "-s",
      path.join(folder, "ca"),
      "-I",
      "mallory",
      "-n",
      LOGIN,
      path.join(folder, "id.pub"),
    ]);
    const config = path.join(folder, "config");
    writeFileSync(
      config,
      `Host *\n  UserKnownHostsFile ${client.folder}/known_hosts\n  IdentityFile ${folder}/id\n  IdentitiesOnly yes\n`,
    );
    const { code } = await node(["-F", config, "-o", "BatchMode=yes"]);
    assert.equal(code, 255);
    await daemon.audited((event) => event.code === "T3007W" && event.user === "mallory");
  });

  it("refuses a plain key without a certificate", async () => {
    const folder = path.join(client.folder, "plain");
    execFileSync("mkdir", ["-p", folder]);
    copyFileSync(path.join(client.folder, "id"), path.join(folder, "id"));
    execFileSync("chmod", ["600", path.join(folder, "id")]);
    const { code, stderr } = await run("ssh", [
      ...["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", path.join(folder, "id")],
      ...[
        "-o",
        `UserKnownHostsFile=${client.folder}/known_hosts`,
        "-p",
        String(daemon.ports.node),
        ...DIRECT,
      ],
      `${LOGIN}@127.0.0.1`,
      "true",
    ]);
    assert.equal(code, 255);
    assert.match(stderr, /Permission denied \(publickey\)/);
  });

  it("refuses an expired certificate, and one that is not valid yet", async () => {
    for (const [name, validity] of [
      ["expired", "-2h:-1h"],
      ["early", "+1h:+2h"],
    ] as const) {
      const forged = await signedByCluster(name, ["-V", validity]);
      assert.equal((await node(forged)).code, 255, name);
      await daemon.audited((event) => event.code === "T3007W" && event.user === name);
    }
    const good = await signedByCluster("valid", ["-V", "-1h:+1h"]);
    assert.equal((await node(good)).code, 0, "the authority's key signs certificates that are let in");
  });

  it("refuses a host certificate in place of a user's", async () => {
    const { code, stderr } = await node(await signedByCluster("hostcert", ["-h", "-V", "-1h:+1h"]));
    assert.equal(code, 255);
    assert.match(stderr, /Permission denied \(publickey\)/);
  });

  it("enforces node labels and deny rules of roles on the node and in the list of nodes", async () => {
    await withAdmin(daemon, async (api) => {
      await api.upsertRole(
        role("prod-only", { allow: { logins: [LOGIN], node_labels: { env: "prod" } }, deny: {} }),
      );
      await api.upsertRole(
        role("not-dev", {
          allow: { logins: [LOGIN], node_labels: { "*": "*" } },
          deny: { node_labels: { env: ["dev"] } },
        }),
      );
      for (const name of ["prod-only", "not-dev"]) {
        const user = await api.getUser("alice");
        await api.upsertUser({ ...user, metadata: { name }, spec: { ...user.spec, roles: [name] } });
      }
    });
    for (const name of ["prod-only", "not-dev"]) {
      const { args, folder } = await sshClient(daemon, name, LOGIN);
      assert.equal((await node(args)).code, 255, name);
      const identity = path.join(folder, "identity");
      await daemon.tctl("auth", "sign", `--user=${name}`, `--out=${identity}`);
      const proxy = `127.0.0.1:${daemon.ports.web},${daemon.ports.ssh}`;
      const listed = await succeed(ours("tsh"), ["ls", "--insecure", `--proxy=${proxy}`, "-i", identity]);
      assert.doesNotMatch(listed, /node1/, name);
      await daemon.audited((event) => event.code === "T3007W" && event.user === name);
    }
  });

  /** A client whose certificate the cluster's own user authority has signed, with the given ssh-keygen flags. */
  async function signedByCluster(name: string, flags: readonly string[]): Promise<string[]> {
    const folder = path.join(client.folder, name);
    const id = path.join(folder, "id");
    execFileSync("mkdir", ["-p", folder]);
    const exported = await daemon.tctl("auth", "export", "--type=user", "--keys");
    writeFileSync(path.join(folder, "ca"), exported.slice(exported.indexOf("-----BEGIN")), { mode: 0o600 });
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", id]);
    const roles = `extension:teleport-roles=${JSON.stringify({ version: "v1", roles: ["admin"] })}`;
    const traits = `extension:teleport-traits=${JSON.stringify({ logins: [LOGIN] })}`;
    const extensions = flags.includes("-h") ? [] : ["-O", roles, "-O", traits];
    execFileSync("ssh-keygen", [
      ...["-q", "-s", path.join(folder, "ca"), "-t", "rsa-sha2-512", "-I", name, "-n", LOGIN],
      ...extensions,
      ...flags,
      `${id}.pub`,
    ]);
    const config = path.join(folder, "config");
    writeFileSync(
      config,
      `Host *\n  UserKnownHostsFile ${client.folder}/known_hosts\n  IdentityFile ${id}\n  IdentitiesOnly yes\n`,
    );
    return ["-F", config, "-o", "BatchMode=yes"];
  }
});

function role(name: string, spec: Pick<Role["spec"], "allow" | "deny">): Role {
  return { kind: "role", version: "v3", metadata: { name }, spec: { options: {}, ...spec } };
}
