/** `tctl` as administrators use it: resources, locks, sessions and users, on the auth server and from elsewhere. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { generateEd25519KeyPair, privateKeyPem } from "../../core/pki/keys.js";
import { createTlsAuthority } from "../../core/pki/x509.js";
import { parseAllDocuments } from "yaml";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, ours, run, type Outcome, type RunOptions } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { addUser, callWeb, PASSWORD, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
const NODE = "node1.example.test";
const role = (name: string, login = "dev"): string =>
  [
    "kind: role",
    "version: v3",
    `metadata: {name: ${name}}`,
    `spec: {allow: {logins: [${login}], node_labels: {env: dev}}}`,
    "",
  ].join("\n");

describe("e2e: tctl", function () {
  this.timeout(60_000);
  let daemon: Daemon;
  let client: SshClient;

  before(async function () {
    needProgram(this, "ssh");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
  });
  after(() => daemon?.remove());

  const file = (name: string, text: string): string => {
    const target = path.join(daemon.folder, name);
    writeFileSync(target, text);
    return target;
  };
  const create = (input: string, ...flags: string[]): Promise<Outcome> =>
    daemon.runTctl(["create", ...flags, "-"], { input });
  const done = ({ code, stdout, stderr }: Outcome): string => {
    assert.equal(code, 0, stderr);
    return stdout;
  };
  /** A failure is one line that starts with `error:`; returns it. */
  const failure = ({ code, stderr }: Outcome): string => {
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^[^\n]+\n$/, "one line");
    return stderr.trimEnd();
  };

  describe("resources", () => {
    it("of every kind that is made by hand go out and in again", async () => {
      done(await create(role("dev")));
      await daemon.tctl("tokens", "add", "--type=node", "--value=round-trip-token");
      await daemon.tctl("lock", "--user=mallory", "--message=gone");
      const refs = "role/dev,user/alice,token/round-trip-token,locks,cap,cluster_config";
      const before = await daemon.tctl("get", refs);
      assert.equal(parseAllDocuments(before).length, refs.split(",").length);
      done(await create(before, "-f"));
      assert.equal(await daemon.tctl("get", refs), before);
      const [lock] = JSON.parse(`[${await daemon.tctl("get", "locks", "--format=json")}]`) as {
        metadata: { name: string };
      }[];
      for (const ref of ["role/dev", "token/round-trip-token", `lock/${lock!.metadata.name}`]) {
        await daemon.tctl("rm", ref);
        assert.match(failure(await daemon.runTctl(["rm", ref])), /is not found/);
      }
    });

    it("that are read but never made by hand say so", async () => {
      const kinds = ["node", "proxy", "auth_server", "namespace", "cluster_name"];
      const { code, stderr } = await create(await daemon.tctl("get", kinds.join()), "-f");
      assert.equal(code, 1);
      const refused = [...stderr.matchAll(/creating resources of type "(\w+)" is not supported/g)];
      assert.deepEqual(
        refused.map(([, kind]) => kind),
        kinds,
      );
    });

    it("of a backup can be restored, and the cluster goes on", async () => {
      const backup = await daemon.tctl("get", "all");
      const said = done(await create(backup, "-f"));
      assert.match(said, /user 'alice' has been updated/);
      assert.match(said, /certificate authority 'example\.test' has been updated/);
      const attempt = await run("ssh", [...client.args, "-J", client.jump, `${LOGIN}@${NODE}`, "echo in"]);
      assert.equal(attempt.stdout, "in\n", attempt.stderr);
    });

    it("with a mistake are placed by line and column, and nothing is created", async () => {
      const text = `${role("first")}---\n${role("second").replace("logins", "logns")}`;
      const wrong = /:9:16: there is no field spec\.allow\.logns, did you mean 'logins'\?$/;
      assert.match(failure(await create(text)), new RegExp(`^error: standard input${wrong.source}`));
      const named = file("roles.yaml", text);
      const inFile = failure(await daemon.runTctl(["create", named]));
      assert.ok(inFile.startsWith(`error: ${named}:`), inFile);
      assert.match(inFile, wrong);
      assert.match(failure(await daemon.runTctl(["get", "role/first"])), /not found/);
    });

    it("that cannot be read are named in words", async () => {
      const missing = await daemon.runTctl(["create", "/nowhere/role.yaml"]);
      assert.equal(failure(missing), "error: cannot read /nowhere/role.yaml: no such file or directory");
      assert.match(failure(await daemon.runTctl(["create", daemon.folder])), /it is a directory$/);
    });

    it("are created once, also by two at a time, and replaced only with -f", async () => {
      const both = await Promise.all([create(role("raced", "one")), create(role("raced", "two"))]);
      assert.deepEqual(both.map(({ code }) => code).sort(), [0, 1]);
      const winner = both[0].code === 0 ? "one" : "two";
      assert.match(failure(both.find(({ code }) => code === 1)!), /already exists, use -f or --force/);
      assert.match(await daemon.tctl("get", "role/raced"), new RegExp(`- ${winner}\n`));
      done(await create(role("raced", "three"), "-f"));
      assert.match(await daemon.tctl("get", "role/raced"), /- three\n/);
      await daemon.tctl("rm", "role/raced");
    });
  });

  describe("users", () => {
    const rolesOf = async (name: string): Promise<unknown> =>
      (JSON.parse(await daemon.tctl("get", `user/${name}`, "--format=json")) as { spec: { roles: unknown } })
        .spec.roles;

    it("are invited with roles", async () => {
      const invite = await daemon.tctl("users", "add", "bob", "--roles=auditor,access");
      const token = /newuser\/([0-9a-f]{32})/.exec(invite)![1];
      await callWeb(daemon, "GET", `/v1/webapi/users/invites/${token}`);
      const body = { invite_token: token, pass: PASSWORD, second_factor_token: "" };
      assert.equal((await callWeb(daemon, "POST", "/v1/webapi/users", body)).status, 200);
      assert.deepEqual(await rolesOf("bob"), ["auditor", "access"]);
      const none = await daemon.runTctl(["users", "add", "carol", "--roles="]);
      assert.match(failure(none), /a user needs at least one role/);
    });

    it("get other roles and logins", async () => {
      await daemon.tctl("users", "update", "bob", "--set-roles=access", "--set-logins=bob,www-data");
      assert.deepEqual(await rolesOf("bob"), ["access"]);
      assert.match(await daemon.tctl("get", "user/bob"), /logins:\n\s+- bob\n\s+- www-data\n/);
      const unknown = await daemon.runTctl(["users", "update", "bob", "--set-roles=nosuch"]);
      assert.match(failure(unknown), /role nosuch is not found: create it/);
      const option = await daemon.runTctl(["users", "update", "bob", "--set-logins=-oProxyCommand"]);
      assert.match(failure(option), /is not the name of a Unix user/);
    });
  });

  describe("live sessions and locks", () => {
    const shell = () => {
      const child = spawn("ssh", [
        ...client.args,
        "-tt",
        "-J",
        client.jump,
        `${LOGIN}@${NODE}`,
        "echo up; cat",
      ]);
      const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
      return { child, closed, up: said(child.stdout, "up") };
    };
    const attempt = (): Promise<Outcome> =>
      run("ssh", [...client.args, "-J", client.jump, `${LOGIN}@${NODE}`, "true"]);
    /** Nodes and proxies learn of a change a moment later. */
    const until = async (code: number): Promise<Outcome> => {
      for (const deadline = Date.now() + 10_000; ;) {
        const outcome = await attempt();
        if (outcome.code === code) return outcome;
        assert.ok(Date.now() < deadline, outcome.stderr);
      }
    };

    it("sessions are listed, and terminated at once", async () => {
      const { child, closed, up } = shell();
      try {
        await up;
        const sessions = JSON.parse(await daemon.tctl("sessions", "ls", "--format=json")) as { id: string }[];
        assert.equal(sessions.length, 1);
        const { id } = sessions[0]!;
        assert.match(await daemon.tctl("sessions", "ls"), new RegExp(`^${id} +node1 +${LOGIN} `, "m"));
        assert.match(await daemon.tctl("sessions", "terminate", id), /has been terminated/);
        assert.notEqual(await closed, 0);
        assert.equal(await daemon.tctl("sessions", "ls"), "No live sessions.\n");
        assert.match(failure(await daemon.runTctl(["sessions", "terminate", id])), /is not found/);
      } finally {
        child.kill("SIGKILL");
      }
    });

    it("a lock shuts out until it is removed", async () => {
      await until(0);
      const created = await daemon.tctl("lock", "--user=alice", "--message=stolen laptop");
      const name = /"([0-9a-f-]{36})"/.exec(created)![1]!;
      assert.match(await daemon.tctl("get", "locks", "--format=text"), /stolen laptop/);
      await until(255);
      await daemon.tctl("rm", `lock/${name}`);
      await until(0);
    });

    it("a lock with a ttl ends by itself", async () => {
      await daemon.tctl("lock", "--user=alice", "--ttl=3s");
      await until(255);
      await until(0);
      assert.doesNotMatch(await daemon.tctl("get", "locks"), /alice/);
    });
  });

  describe("from another machine", () => {
    let home: string;
    const elsewhere = (
      identity: string,
      args: readonly string[],
      port = daemon.ports.auth,
    ): Promise<Outcome> => {
      const options: RunOptions = { cwd: home, env: { HOME: home, TELEPORT_CONFIG: "" } };
      const flags = ["-i", identity, `--auth-server=127.0.0.1:${port}`];
      return run(ours("tctl"), [...flags, ...args], options);
    };
    const sign = async (user: string): Promise<string> => {
      const identity = path.join(home, `${user}.pem`);
      await daemon.tctl("auth", "sign", `--user=${user}`, `--out=${identity}`);
      return identity;
    };
    const certificates = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g;
    let alice: string;
    before(async () => {
      home = path.join(daemon.folder, "elsewhere");
      mkdirSync(home);
      alice = await sign("alice");
    });

    it("an identity file does what its roles allow", async () => {
      assert.match(done(await elsewhere(alice, ["status"])), /example\.test/);
      assert.match(done(await elsewhere(alice, ["nodes", "ls"])), /node1/);
      const text = path.join(home, "role.yaml");
      writeFileSync(text, role("remote"));
      assert.match(done(await elsewhere(alice, ["create", text])), /'remote' has been created/);
      done(await elsewhere(alice, ["rm", "role/remote"]));
      const refused = failure(await elsewhere(alice, ["tokens", "ls"]));
      assert.equal(refused, 'error: access denied to perform action "list" on "token"');
    });

    it("an identity file that is not to be used is refused in a line", async () => {
      const text = readFileSync(alice, "utf8");
      const secret = (name: string, content: string): string => {
        const target = path.join(home, name);
        writeFileSync(target, content, { mode: 0o600 });
        return target;
      };
      const open = secret("open.pem", text);
      chmodSync(open, 0o644);
      assert.match(
        failure(await elsewhere(open, ["status"])),
        /is open to all users: close it by chmod 600 /,
      );
      const absent = path.join(home, "absent.pem");
      assert.equal(
        failure(await elsewhere(absent, ["status"])),
        `error: cannot read the identity file ${absent}: no such file or directory`,
      );
      const malformed = secret("malformed.pem", "no identity\n");
      assert.match(
        failure(await elsewhere(malformed, ["status"])),
        /is not an identity file: .*tctl auth sign/,
      );
      const otherKey = privateKeyPem(generateEd25519KeyPair().privateKey);
      const mixed = secret(
        "mixed.pem",
        text.replace(/-----BEGIN [A-Z ]*PRIVATE KEY[^]+?KEY-----\n/, otherKey),
      );
      assert.match(failure(await elsewhere(mixed, ["status"])), /is damaged: its private key is not that of/);
      const stranger = createTlsAuthority("example.test", generateEd25519KeyPair(), new Date());
      const [own] = text.match(certificates)!;
      const foreign = secret("foreign.pem", `${text.replace(certificates, "")}${own}${stranger}`);
      assert.match(failure(await elsewhere(foreign, ["status"])), /not issued by the cluster's authority/);
    });

    it("an auth server that is away is named", async () => {
      const said = failure(await elsewhere(alice, ["status"], 1));
      assert.match(
        said,
        /Cannot connect to the auth server: .*connection refused.* running on 127\.0\.0\.1:1\?/,
      );
    });
  });
});
