/** What users do to files by sftp, and by scp over it, is on record by path. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, run, succeed } from "./kit/programs.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";

describe("e2e: the audit of sftp", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let client: SshClient;
  let folder: string;

  before(async function () {
    needProgram(this, "ssh", "sftp", "scp");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
    folder = path.join(daemon.folder, "remote");
    mkdirSync(folder);
  });
  after(() => daemon?.remove());

  const direct = (): string[] => [
    ...client.args,
    ...["-o", "HostKeyAlias=node1.example.test", "-o", `Port=${daemon.ports.node}`],
  ];
  const remote = (name: string): string => path.join(folder, name);
  const local = (name: string): string => path.join(client.folder, name);

  it("tells each operation of a batch with its path and its bytes", async () => {
    writeFileSync(local("up"), "x".repeat(100_000));
    const batch = [
      `put ${local("up")} ${remote("a")}`,
      `get ${remote("a")} ${local("down")}`,
      `rename ${remote("a")} ${remote("b")}`,
      `ln ${remote("b")} ${remote("hard")}`,
      `ln -s b ${remote("soft")}`,
      `chmod 600 ${remote("b")}`,
      `mkdir ${remote("folder")}`,
      `rmdir ${remote("folder")}`,
      `rm ${remote("b")}`,
      `-rm ${remote("missing")}`,
      "",
    ].join("\n");
    await succeed("sftp", ["-b", "-", ...direct(), `${LOGIN}@127.0.0.1`], { input: batch });
    await daemon.audited(({ event, name }) => event === "subsystem" && name === "sftp");
    const events = daemon.audit().filter(({ event }) => event === "sftp");
    const told = events.map(({ code, path: at, target_path: target }) =>
      [
        code,
        ...[at, target].filter((name) => typeof name === "string").map((name) => path.basename(name)),
      ].join(" "),
    );
    for (const expected of [
      "TS001I a",
      "TS002I a",
      "TS016I a b",
      "TS019I b hard",
      "TS018I soft b",
      "TS007I b",
      "TS012I folder",
      "TS013I folder",
      "TS011I b",
      "TS011I missing",
      "TS011E missing",
    ]) {
      assert.ok(told.includes(expected), `${expected} is not in\n${told.join("\n")}`);
    }
    const closed = events.filter(({ code }) => code === "TS002I");
    assert.deepEqual(
      closed.map(({ bytes_written: up, bytes_read: down }) => [up, down]),
      [
        [100_000, 0],
        [0, 100_000],
      ],
    );
    const session = daemon.audit().find(({ event }) => event === "session.start");
    for (const event of events) {
      assert.equal(event.sid, session?.sid);
      assert.equal(event.user, "alice");
      assert.equal(event.login, LOGIN);
    }
  });

  it("hears scp, which goes over sftp", async () => {
    writeFileSync(local("copied"), "by scp");
    await succeed("scp", [...direct(), local("copied"), `${LOGIN}@127.0.0.1:${remote("by-scp")}`]);
    const closed = await daemon.audited(({ code, path: at }) => code === "TS002I" && at === remote("by-scp"));
    assert.equal(closed.bytes_written, 6);
  });

  it("also where the client asks for a terminal, which would hide the protocol", async () => {
    const before = daemon.audit().filter(({ event }) => event === "sftp").length;
    // SSH_FXP_INIT of version 3, then SSH_FXP_MKDIR with id 1 and no attributes.
    const name = Buffer.from(remote("by-terminal"));
    const body = Buffer.concat([Buffer.from([14, 0, 0, 0, 1, 0, 0, 0, name.length]), name, Buffer.alloc(4)]);
    const input = Buffer.concat([
      Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]),
      Buffer.from([0, 0, 0, body.length]),
      body,
    ]);
    await run("ssh", ["-tt", "-s", ...direct(), `${LOGIN}@127.0.0.1`, "sftp"], { input });
    const events = daemon.audit().filter(({ event }) => event === "sftp");
    assert.deepEqual(
      events.slice(before).map(({ code, path: at }) => [code, at]),
      [["TS012I", remote("by-terminal")]],
    );
  });

  it("ends a session whose stream is no sftp", async () => {
    const { stderr } = await run("ssh", ["-s", ...direct(), `${LOGIN}@127.0.0.1`, "sftp"], {
      input: Buffer.alloc(64, 255),
    });
    assert.match(stderr, /This session ends: what it does to files cannot be audited/);
  });
});
