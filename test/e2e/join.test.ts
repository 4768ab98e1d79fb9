/** A second host joins the cluster with a token and the CA pin. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { createHosts, type Hosts } from "./kit/hosts.js";
import { needProgram, ours, run, succeed } from "./kit/programs.js";
import { invite, PASSWORD, sshClient } from "./kit/users.js";

describe("e2e: a second host", function () {
  this.timeout(120_000);
  let hosts: Hosts;
  let daemon: Daemon;
  const nodes: ChildProcess[] = [];

  before(async function () {
    needProgram(this, "ip", "ssh", "curl");
    if (process.getuid?.() !== 0) {
      if (process.env.CI) throw new Error("network namespaces need root");
      console.log("      skipped: network namespaces need root");
      this.skip();
    }
    hosts = createHosts();
    daemon = await startDaemon(
      {
        auth_service: {
          tokens: ["node:static-token-1234"],
          enabled: "yes",
          cluster_name: "example.test",
          listen_addr: `${hosts.first.address}:3025`,
          authentication: { second_factor: "off" },
        },
      },
      hosts.first,
    );
    const token = await invite(daemon, "alice", "root");
    const body = JSON.stringify({ invite_token: token, pass: PASSWORD, second_factor_token: "" });
    const url = `https://${hosts.first.address}:${daemon.ports.web}/v1/webapi/users`;
    const [enter, ...rest] = hosts.first.enter;
    await succeed(enter!, [...rest, "curl", "-skf", "-H", "Content-Type: application/json", "-d", body, url]);
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => end(node)));
  });
  after(async () => {
    await daemon?.remove();
    hosts?.remove();
  });

  const pin = async (): Promise<string> => /sha256:[0-9a-f]{64}/.exec(await daemon.tctl("status"))![0];

  /** Starts a node on the second host; `said` resolves when it has written a text. */
  function startNode(
    name: string,
    ...flags: string[]
  ): { said: (text: RegExp) => Promise<string>; child: ChildProcess } {
    const dataDir = path.join(daemon.folder, name);
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const config = Buffer.from(
      `teleport: {data_dir: ${dataDir}, nodename: ${name}, log: {severity: INFO}}\nssh_service: {enabled: yes, listen_addr: "${hosts.second.address}:3022"}\n`,
    ).toString("base64");
    const [command, ...args] = [
      ...hosts.second.enter,
      ...[ours("teleport"), "start", "--roles=node", `--config-string=${config}`],
      `--auth-server=${hosts.first.address}:3025`,
      ...flags,
    ];
    const child = spawn(command!, args, { stdio: ["ignore", "pipe", "pipe"] });
    nodes.push(child);
    let output = "";
    const said = (text: RegExp): Promise<string> =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`it did not say ${text}:\n${output}`)), 30_000);
        const look = (chunk?: Buffer): void => {
          if (chunk) output += chunk.toString();
          const found = text.exec(output);
          if (!found) return;
          clearTimeout(timer);
          resolve(found[0]);
        };
        child.stdout.on("data", look);
        child.stderr.on("data", look);
        child.once("close", () => {
          clearTimeout(timer);
          reject(new Error(`it ended before it said ${text}:\n${output}`));
        });
        look();
      });
    return { said, child };
  }

  it("joins with a dynamic token and the pin, is listed, and serves sessions through the proxy", async () => {
    const added = await daemon.tctl("nodes", "add", "--roles=node");
    const token = /--token=(\S+)/.exec(added)![1]!;
    const node = startNode("far1", `--token=${token}`, `--ca-pin=${await pin()}`);
    await node.said(/All services are ready/);
    assert.match(await daemon.tctl("nodes", "ls"), /far1 .*10\.87\.0\.2:3022/);

    const client = await sshClient(daemon, "alice", "root");
    const jump = `root@${hosts.first.address}:${daemon.ports.ssh}`;
    const [enter, ...rest] = hosts.first.enter;
    const ssh = [
      ...rest,
      "ssh",
      ...client.args,
      "-J",
      jump,
      "root@far1.example.test",
      "hostname -I 2>/dev/null || ip -o -4 addr",
    ];
    assert.match(await succeed(enter!, ssh), /10\.87\.0\.2/);
  });

  it("keeps its identity over a restart, without the token", async () => {
    const node = startNode("far2", "--token=static-token-1234", `--ca-pin=${await pin()}`);
    await node.said(/All services are ready/);
    await end(node.child);
    await startNode("far2").said(/All services are ready/);
  });

  it("refuses an auth server whose authority does not match the pin, before it sends anything", async () => {
    const wrong = `sha256:${"0".repeat(64)}`;
    const node = startNode("far3", "--token=static-token-1234", `--ca-pin=${wrong}`);
    await assert.rejects(node.said(/All services are ready/), /pin/);
    assert.notEqual(node.child.exitCode, 0);
  });

  it("warns where no pin is given", async () => {
    const node = startNode("far4", "--token=static-token-1234");
    await node.said(/WARN.*pin/);
    await node.said(/All services are ready/);
  });

  it("says that a token is not valid, keeps trying, and joins when it becomes so", async () => {
    const node = startNode("far5", "--token=late-token-123456", `--ca-pin=${await pin()}`);
    await node.said(/the token is not valid/);
    await daemon.tctl("tokens", "add", "--type=node", "--value=late-token-123456", "--ttl=5m");
    await node.said(/All services are ready/);
  });

  it("refuses a removed token, and a token for another role", async () => {
    await daemon.tctl("tokens", "add", "--type=node", "--value=removed-token-1", "--ttl=5m");
    await daemon.tctl("tokens", "rm", "removed-token-1");
    const removed = startNode("far6", "--token=removed-token-1", `--ca-pin=${await pin()}`);
    await removed.said(/the token is not valid/);
    await end(removed.child);
    await daemon.tctl("tokens", "add", "--type=proxy", "--value=proxy-token-12", "--ttl=5m");
    await startNode("far7", "--token=proxy-token-12", `--ca-pin=${await pin()}`).said(
      /does not allow "Node" role/,
    );
  });

  it("admits one host by a single-use token", async () => {
    await daemon.tctl("tokens", "add", "--type=node", "--value=once-token-1234", "--ttl=5m", "--single-use");
    const first = startNode("far8", "--token=once-token-1234", `--ca-pin=${await pin()}`);
    await first.said(/All services are ready/);
    await end(first.child);
    await startNode("far9", "--token=once-token-1234", `--ca-pin=${await pin()}`).said(
      /the token is not valid|used/,
    );
  });

  it("goes on serving and comes back into step when the wire was cut", async () => {
    const node = startNode("far10", "--token=static-token-1234", `--ca-pin=${await pin()}`);
    await node.said(/All services are ready/);
    hosts.wire("down");
    const gone = await run(hosts.first.enter[0]!, [
      ...hosts.first.enter.slice(1),
      ...["timeout", "3", "bash", "-c", `exec 3<>/dev/tcp/${hosts.second.address}/3022`],
    ]);
    assert.notEqual(gone.code, 0);
    hosts.wire("up");
    const client = await sshClient(daemon, "alice", "root");
    const [enter, ...rest] = hosts.first.enter;
    const jump = `root@${hosts.first.address}:${daemon.ports.ssh}`;
    assert.equal(
      await succeed(enter!, [
        ...rest,
        "ssh",
        ...client.args,
        "-J",
        jump,
        "root@far10.example.test",
        "echo back",
      ]),
      "back\n",
    );
  });
});

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("close", () => resolve());
    child.kill("SIGTERM");
  });
}
