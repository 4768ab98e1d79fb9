import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { LOGIN, NodeFixture } from "../node-fixture.js";
import { type ClientResult, needPrograms, run } from "../stock-programs.js";
import { needPam, PamService } from "./pam-service.js";

const PERMIT = ["account required pam_permit.so", "session required pam_permit.so"];

describe("sessions with PAM, by stock ssh", function () {
  this.timeout(60_000);
  let node: NodeFixture;
  let service: PamService;
  before(async function () {
    needPam(this);
    needPrograms(this, "ssh", "scp", "sftp", "ssh-keygen");
    service = new PamService();
    node = await new NodeFixture({
      settings: {
        pam: {
          service: service.name,
          // bash takes itself for an inner shell by SHLVL, and reads no start files, which may take as long as they like.
          environment: {
            SHLVL: "9",
            LOGINS: "{{internal.logins}}",
            MAIL: "{{external.email}}",
            FIXED: "a b",
          },
          authenticate: false,
        },
      },
    }).start();
  });
  after(async () => {
    await node?.close();
    service?.remove();
  });
  beforeEach(() => {
    node.auth.events.length = 0;
  });

  const text = ({ stdout }: ClientResult): string => String(stdout);

  it("keeps output, errors, input and the exit code as they are", async () => {
    service.configure(...PERMIT);
    const result = await node.ssh(["cat; echo err >&2; exit 42"], { input: "in\n" });
    assert.deepEqual({ ...result, stdout: text(result) }, { code: 42, stdout: "in\n", stderr: "err\n" });
    assert.equal((await node.ssh(["kill -TERM $$"])).code, 255);
  });

  it("opens and closes the session around the program, and tells modules who logs in", async () => {
    service.configure("account required pam_permit.so", `session required pam_exec.so ${service.recorder()}`);
    await node.ssh(["true"]);
    await service.phase("close_session");
    const facts = `${LOGIN} alice 127.0.0.1 ssh alice ${LOGIN} admin`;
    assert.deepEqual(service.phases(), [`open_session ${facts}`, `close_session ${facts}`]);
  });

  it("gives the program the variables of PAM, without those of the session replaced", async () => {
    service.configure(
      "account required pam_permit.so",
      `session required pam_env.so readenv=1 envfile=${service.file("env", "FROM_PAM=yes\nSSH_TELEPORT_USER=eve\n")} conffile=/dev/null`,
    );
    const lines = text(await node.ssh(["env"])).split("\n");
    const expected = [
      ...["FROM_PAM=yes", "SSH_TELEPORT_USER=alice", "TELEPORT_USERNAME=alice"],
      ...[`TELEPORT_LOGIN=${LOGIN}`, "TELEPORT_ROLES=admin", `LOGINS=${LOGIN}`, "FIXED=a b"],
    ];
    for (const line of expected) assert.ok(lines.includes(line), line);
    assert.ok(
      !lines.some((line) => line.startsWith("MAIL=")),
      "a trait that the user lacks leaves no variable",
    );
  });

  it("applies limits and the umask to the program", async () => {
    const limits = service.file(
      "limits",
      `${LOGIN} hard nofile 321\n${LOGIN} soft nofile 123\n${LOGIN} - as 900000\n`,
    );
    service.configure(
      "account required pam_permit.so",
      `session required pam_limits.so conf=${limits}`,
      "session required pam_umask.so umask=0027",
    );
    const { stdout, stderr } = await node.ssh(["ulimit -Sn; ulimit -Hn; ulimit -v; umask"]);
    assert.equal(stderr, "");
    assert.equal(String(stdout), "123\n321\n900000\n0027\n");
  });

  it("refuses a login that the account modules do not admit, with what they say, and audits that", async () => {
    service.configure(
      `account required pam_echo.so file=${service.file("why", "closed for the night\n")}`,
      "account required pam_deny.so",
      `session required pam_exec.so ${service.recorder()}`,
    );
    const before = service.phases().length;
    for (const flags of [[], ["-tt"]]) {
      const { code, stderr } = await node.ssh([...flags, "--", "echo not run"]);
      assert.equal(code, 255);
      assert.match(stderr, /PAM does not admit this login: .*closed for the night/);
    }
    assert.equal(service.phases().length, before, "no session is opened");
    const refusal = await node.auth.waitFor(({ event }) => event === "auth");
    assert.match(String(refusal["error"]), /PAM does not admit this login/);
    assert.equal(refusal["user"], "alice");
  });

  it("refuses a login whose session modules fail", async () => {
    service.configure("account required pam_permit.so", "session required pam_deny.so");
    const { code, stdout, stderr } = await node.ssh(["echo not run"]);
    assert.deepEqual([code, String(stdout)], [255, ""]);
    assert.match(stderr, /PAM does not admit this login/);
  });

  it("shows what modules say on a terminal, and keeps it out of data", async () => {
    const greeting = `session optional pam_echo.so file=${service.file("greeting", "welcome\n")}`;
    service.configure("account required pam_permit.so", greeting);
    assert.equal(text(await node.ssh(["-tt", "--", "echo hello"])), "welcome\r\nhello\r\n");
    assert.deepEqual(await node.ssh(["echo hello"]), { code: 0, stdout: Buffer.from("hello\n"), stderr: "" });
  });

  it("gives the program a controlling terminal of its own, with job control and PAM_TTY", async () => {
    service.configure("account required pam_permit.so", `session required pam_exec.so ${service.recorder()}`);
    const script =
      "tty; echo $SSH_TTY; echo ok > /dev/tty; ps -o sid=,tpgid= -p $$ | tr -s ' '; echo $$; set -m; sleep 100 & jobs -r | wc -l; kill %1";
    const result = await node.ssh(["-tt", "--", script]);
    const [tty, sshTty, ok, ids, pid, jobs] = text(result).trim().split("\r\n");
    assert.match(tty ?? "", /^\/dev\/pts\/\d+$/);
    assert.deepEqual([sshTty, ok, jobs?.trim()], [tty, "ok", "1"]);
    assert.equal(ids?.trim(), `${pid} ${pid}`, "the program leads its session and is in the foreground");
    assert.ok(service.phases().at(-1)?.includes(` ${tty} `), "modules know the terminal");
  });

  it("passes Ctrl-C to the program, not to the process that waits for it", async () => {
    service.configure("account required pam_permit.so", `session required pam_exec.so ${service.recorder()}`);
    const client = spawn("ssh", [
      ...node.clientOptions(),
      ...["-tt", "-p", String(node.port), "-l", LOGIN, "127.0.0.1"],
      "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done",
    ]);
    let seen = "";
    client.stdout.on("data", (chunk: Buffer) => {
      const before = seen;
      seen += chunk.toString();
      if (seen.includes("ready") && !before.includes("ready")) client.stdin.write("\x03");
    });
    const code = await new Promise((resolve) => client.once("close", resolve));
    assert.equal(code, 9);
    assert.match(seen, /caught/);
  });

  it("closes the session when the client goes away", async () => {
    const left = new PamService();
    service.configure("account required pam_permit.so", `session required pam_exec.so ${left.recorder()}`);
    const client = spawn("ssh", [
      ...node.clientOptions(),
      ...["-p", String(node.port), "-l", LOGIN, "127.0.0.1", "echo ready; sleep 1000"],
    ]);
    client.stdout.once("data", () => client.kill("SIGKILL"));
    await left.phase("close_session");
    left.remove();
  });

  it("copies files", async () => {
    service.configure(...PERMIT);
    const options = [...node.clientOptions(), "-P", String(node.port)];
    const from = service.file("from", "content\n");
    for (const flag of ["-O", "-s"]) {
      const target = `${service.folder}/to${flag}`;
      const { code, stderr } = await run("scp", [
        "-q",
        flag,
        ...options,
        from,
        `${LOGIN}@127.0.0.1:${target}`,
      ]);
      assert.equal(code, 0, stderr);
      assert.equal(String((await run("cat", [target])).stdout), "content\n");
    }
  });

  it("asks PAM before ports are forwarded", async () => {
    const target = createServer((socket) => socket.end("reached\n"));
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    const forward = `127.0.0.1:${(target.address() as AddressInfo).port}`;
    service.configure(...PERMIT);
    assert.equal(text(await node.ssh(["-W", forward, "--"])), "reached\n");
    service.configure("account required pam_deny.so");
    const { stdout, stderr } = await node.ssh(["-W", forward, "--"]);
    assert.equal(String(stdout), "");
    assert.match(stderr, /PAM does not admit this login/);
    target.close();
  });
});
