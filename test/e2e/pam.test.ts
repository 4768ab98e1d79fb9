/** Sessions through PAM: a daemon with `ssh_service.pam`, stock clients, and services of this host's PAM. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { needPam, PamService } from "../core/node/pam/pam-service.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, run, succeed } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
const NODE = `${LOGIN}@node1.example.test`;

describe("e2e: PAM", function () {
  this.timeout(120_000);
  let service: PamService;
  let daemon: Daemon;
  let client: SshClient;

  before(async function () {
    needPam(this);
    needProgram(this, "ssh", "sftp", "expect");
    service = new PamService();
    service.configure(
      "account required pam_permit.so",
      `session required pam_exec.so ${service.recorder()}`,
      `session optional pam_echo.so file=${service.file("motd", "message of the day\n")}`,
    );
    daemon = await startDaemon({
      ssh_service: { pam: { enabled: "yes", service_name: service.name, environment: { SITE: "lab" } } },
    });
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
  });
  after(async () => {
    await daemon?.remove();
    service?.remove();
  });

  const jump = (): string[] => [...client.args, "-J", client.jump];

  it("runs commands in a session that is opened and closed", async () => {
    assert.equal(await succeed("ssh", [...jump(), NODE, "echo $SITE $TELEPORT_USERNAME"]), "lab alice\n");
    await service.phase("close_session");
    const phases = service.phases();
    assert.match(phases[0] ?? "", /^open_session \S+ alice 127\.0\.0\.1 ssh alice/);
    assert.match(phases[1] ?? "", /^close_session /);
  });

  it("serves interactive shells with job control", async () => {
    const script = path.join(client.folder, "shell.exp");
    writeFileSync(
      script,
      [
        "set timeout 30",
        // An inner shell, as bash sees by SHLVL, reads no start files, which may take as long as they like.
        `spawn ssh ${jump().join(" ")} -o SetEnv=SHLVL=9 -tt ${NODE} "PS1='ready> ' exec bash --norc --noprofile -i"`,
        'expect "message of the day"',
        'expect "ready> "',
        `send "sh -c 'echo star\\$((0))ted; exec sleep 1000'\\r"`,
        'expect "star0ted"',
        'send "\\032"',
        "expect -re {Stopped.*ready> }",
        'send "fg\\r"',
        'expect "exec sleep"',
        'send "\\003"',
        'expect "ready> "',
        'send "exit 3\\r"',
        "expect eof",
        "catch wait result",
        "exit [lindex $result 3]",
      ].join("\n"),
    );
    const { code, stdout } = await run("expect", [script]);
    assert.equal(code, 3, stdout);
  });

  it("copies files by sftp", async () => {
    const file = path.join(client.folder, "from");
    writeFileSync(file, "content\n");
    const target = path.join(client.folder, "to");
    const { code, stderr } = await run("sftp", ["-b", "-", ...jump(), NODE], {
      input: `put ${file} ${target}\n`,
    });
    assert.equal(code, 0, stderr);
    assert.equal(await succeed("cat", [target]), "content\n");
  });

  it("closes the session when the daemon is killed", async () => {
    const left = new PamService();
    service.configure("account required pam_permit.so", `session required pam_exec.so ${left.recorder()}`);
    const direct = ["-o", "HostKeyAlias=node1.example.test", "-p", String(daemon.ports.node)];
    const args = [...client.args, ...direct, `${LOGIN}@127.0.0.1`, "echo ready; exec sleep 1000"];
    const session = spawn("ssh", args, { stdio: ["pipe", "pipe", "ignore"] });
    await said(session.stdout, "ready");
    await daemon.stop("SIGKILL");
    await left.phase("close_session");
    left.remove();
    session.kill();
    await daemon.restart();
  });

  it("refuses an account that PAM does not admit, and audits that", async () => {
    service.configure("account required pam_deny.so", "session required pam_permit.so");
    const { code, stderr } = await run("ssh", [...jump(), NODE, "echo no"]);
    assert.equal(code, 255);
    assert.match(stderr, /PAM does not admit this login: \S/);
    const event = await daemon.audited(
      ({ event, error }) => event === "auth" && String(error).includes("PAM does not admit"),
    );
    assert.equal(event.user, "alice");
  });

  it("does not start with a service that the host does not have", async () => {
    const ssh_service = { pam: { enabled: "yes", service_name: "teleport-test-missing" } };
    await assert.rejects(
      startDaemon({ ssh_service }),
      /ssh_service\.pam\.service_name: there is no PAM service "teleport-test-missing"; create \/etc\/pam\.d/,
    );
  });
});
