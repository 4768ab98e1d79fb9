/** What can stop a start, and what must not stop the next one. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { fixture, privateCopy, temporaryFolder } from "../kit/paths.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, ours, run, succeed, type Outcome } from "./kit/programs.js";
import { addUser, sshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";

describe("e2e: a start that is refused", function () {
  this.timeout(60_000);
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  /** Starts teleport with a configuration of these lines. */
  const start = (...lines: string[]): Promise<Outcome> => {
    const file = path.join(folder, "teleport.yaml");
    const listen = ["auth_service: {listen_addr: 127.0.0.1:0}", "ssh_service: {listen_addr: 127.0.0.1:0}"];
    const proxy = "proxy_service: {listen_addr: 127.0.0.1:0, web_listen_addr: 127.0.0.1:0}";
    const sections = [...listen, proxy].filter(
      (section) => !lines.some((line) => line.startsWith(section.split(":")[0]!)),
    );
    writeFileSync(file, [...lines, ...sections, ""].join("\n"), { mode: 0o600 });
    return run(ours("teleport"), ["start", "-c", file], { timeoutMs: 30_000, cwd: folder });
  };
  const refused = async (pattern: RegExp, ...lines: string[]): Promise<void> => {
    const { code, stderr } = await start(...lines);
    assert.equal(code, 1, stderr);
    assert.match(stderr, pattern);
  };

  it("names file, line and column of every error of the configuration", async () => {
    const { code, stderr } = await start(
      "teleport:",
      `  data_dir: ${folder}/data`,
      "  nodenam: x",
      "  storage: {type: dir, pth: /x}",
      "aut_service: {}",
    );
    assert.equal(code, 1);
    assert.match(stderr, /teleport\.yaml:3:3: .*nodenam.*did you mean/);
    assert.match(stderr, /teleport\.yaml:5:1: .*aut_service.*did you mean/);
  });

  it("names file, line and column of a plugin's own key", async () => {
    await refused(
      /teleport\.yaml:3:\d+: .*pth/,
      "teleport:",
      `  data_dir: ${folder}/data`,
      "  storage: {type: dir, pth: /x}",
    );
  });

  it("names an unknown storage type and what there is", async () => {
    await refused(
      /storage\.bolt.*storage\.dir/,
      "teleport:",
      `  data_dir: ${folder}/data`,
      "  storage: {type: bolt}",
    );
  });

  it("names a broken third-party plugin, the phase and the cause", async () => {
    await privateCopy(fixture("plugins", "broken", "throws-on-import.mjs"), folder);
    await refused(
      /throws-on-import\.mjs failed in phase load: cannot find the licence server/,
      "teleport:",
      `  data_dir: ${folder}/data`,
      "  plugins: [./throws-on-import.mjs]",
    );
  });

  it("refuses a data directory that others can enter, with the command that mends it", async () => {
    const data = path.join(folder, "data");
    mkdirSync(data);
    chmodSync(data, 0o755);
    await refused(new RegExp(`run chmod 0700 ${data}`), "teleport:", `  data_dir: ${data}`);
  });

  it("names a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    try {
      await refused(
        new RegExp(`127\\.0\\.0\\.1:${port}.*address already in use`),
        "teleport:",
        `  data_dir: ${folder}/data`,
        `auth_service: {listen_addr: "127.0.0.1:${port}"}`,
      );
    } finally {
      other.close();
    }
  });

  it("names a configuration file that does not exist, and an unknown role", async () => {
    const missing = await run(ours("teleport"), ["start", "-c", path.join(folder, "gone.yaml")]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /gone\.yaml' does not exist/);
    const role = await run(ours("teleport"), ["start", "--roles=foo"]);
    assert.match(role.stderr, /unknown role: 'foo'/);
  });

  it("refuses a damaged store with its name, and leaves it as it is", async () => {
    const backend = path.join(folder, "data", "backend");
    mkdirSync(backend, { recursive: true, mode: 0o700 });
    chmodSync(path.join(folder, "data"), 0o700);
    const file = path.join(backend, "sqlite.db");
    writeFileSync(
      file,
      "this is no database, but it is longer than a header of one hundred bytes ".repeat(3),
      { mode: 0o600 },
    );
    const before = readFileSync(file);
    await refused(/storage\.dir failed.*sqlite\.db/, "teleport:", `  data_dir: ${folder}/data`);
    assert.deepEqual(readFileSync(file), before);
  });
});

describe("e2e: a daemon that dies", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  before(async function () {
    needProgram(this, "ssh");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
  });
  after(() => daemon?.remove());

  it("is the process that was started: the pid gets the signals", async () => {
    const pidFile = path.join(daemon.folder, "pid");
    await daemon.stop();
    assert.equal(daemon.child.exitCode, 0);
    writeFileSync(
      daemon.configFile,
      readFileSync(daemon.configFile, "utf8").replace("teleport:", `teleport:\n  pid_file: ${pidFile}`),
    );
    await daemon.restart();
    assert.equal(readFileSync(pidFile, "utf8"), String(daemon.child.pid));
  });

  it("does not fall to the signals that reload a 4.2 daemon", async () => {
    for (const signal of ["SIGHUP", "SIGUSR2"] as const) {
      daemon.child.kill(signal);
      await daemon.logged(`Ignoring "${signal}"`);
    }
    assert.match(await daemon.tctl("users", "ls"), /alice/);
  });

  it("comes back after kill -9 with the same authorities, users and identities", async () => {
    const before = await daemon.tctl("status");
    const hostId = readFileSync(path.join(daemon.dataDir, "host_uuid"), "utf8");
    await daemon.stop("SIGKILL");
    await daemon.restart();
    assert.equal(await daemon.tctl("status"), before);
    assert.equal(readFileSync(path.join(daemon.dataDir, "host_uuid"), "utf8"), hostId);
    assert.match(await daemon.tctl("users", "ls"), /alice/);
  });

  it("records to its end a session that kill -9 cut, and says that it was interrupted", async () => {
    const client = await sshClient(daemon, "alice", LOGIN);
    const session = run("ssh", [
      ...client.args,
      "-tt",
      "-J",
      client.jump,
      `${LOGIN}@node1.example.test`,
      "echo recorded; sleep 60",
    ]);
    const start = await daemon.audited(
      (event) => event.event === "exec" || (event.event === "session.start" && "size" in event),
    );
    const folder = path.join(daemon.dataDir, "log", "upload", "sessions", "default");
    const journal = path.join(folder, `${String(start.sid)}.journal`);
    await grows(journal, "recorded");
    await daemon.stop("SIGKILL");
    await session;
    await daemon.restart();
    const end = await daemon.audited((event) => event.event === "session.end" && event.sid === start.sid);
    assert.equal(end.interrupted, true, JSON.stringify(end));
    await daemon.audited((event) => event.event === "session.upload" && event.sid === start.sid);
  });

  it("keeps its files to itself", async () => {
    const listed = await succeed("find", [
      daemon.dataDir,
      "-perm",
      "/077",
      "-not",
      "-type",
      "l",
      "-not",
      "-type",
      "s",
    ]);
    assert.equal(listed, "");
    assert.equal(statSync(daemon.dataDir).mode & 0o777, 0o700);
  });
});

/** Resolves when a file holds a text. */
async function grows(file: string, text: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    try {
      if (readFileSync(file).includes(text)) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${file} never held ${text}`);
}
