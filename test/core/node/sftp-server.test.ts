import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOGIN, NodeFixture } from "./node-fixture.js";
import { needPrograms, run } from "./stock-programs.js";

describe("file copies, by stock programs", function () {
  this.timeout(120_000);
  let node: NodeFixture;
  let source: string;
  let remote: string;
  before(async function () {
    needPrograms(this, "ssh", "ssh-keygen");
    node = await new NodeFixture().start();
    source = join(node.directory, "source");
    remote = join(node.directory, "remote");
    mkdirSync(join(source, "deep", "er"), { recursive: true });
    mkdirSync(remote);
    writeFileSync(join(source, "big"), randomBytes(8 << 20));
    writeFileSync(join(source, "deep", "empty"), "");
    writeFileSync(join(source, "deep", "er", "with space"), "text\n", { mode: 0o640 });
    utimesSync(join(source, "big"), 1_000_000_000, 1_000_000_000);
  });
  after(() => node?.close());
  beforeEach(() => (node.auth.events.length = 0));

  const digest = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
  const files = ["big", join("deep", "empty"), join("deep", "er", "with space")];
  const assertSame = (copy: string): void => {
    for (const file of files) assert.equal(digest(join(copy, file)), digest(join(source, file)), file);
  };
  const target = (path: string): string => `${LOGIN}@127.0.0.1:${path}`;
  const rsh = (): string => ["ssh", ...node.clientOptions(), "-p", String(node.port)].join(" ");

  for (const [protocol, flags] of [
    ["the classic protocol", ["-O"]],
    ["sftp", ["-s"]],
  ] as const) {
    it(`scp over ${protocol} copies folders both ways`, async function () {
      needPrograms(this, "scp");
      const up = join(remote, `up${flags[0]}`);
      const down = join(node.directory, `down${flags[0]}`);
      const base = [...flags, ...node.clientOptions(), "-P", String(node.port), "-rpq"];
      const upload = await run("scp", [...base, source, target(up)]);
      assert.equal(upload.code, 0, upload.stderr);
      assertSame(up);
      assert.equal(statSync(join(up, "big")).mtimeMs, 1_000_000_000_000);
      const download = await run("scp", [...base, target(up), down]);
      assert.equal(download.code, 0, download.stderr);
      assertSame(down);
      const missing = await run("scp", [...base, target("/no/such/file"), down]);
      assert.equal(missing.code, 1);
      assert.match(missing.stderr, /No such file/);
    });
  }

  it("audits classic scp with its direction and path", async function () {
    needPrograms(this, "scp");
    const base = ["-O", ...node.clientOptions(), "-P", String(node.port), "-q"];
    await run("scp", [...base, join(source, "deep", "empty"), target(join(remote, "audited"))]);
    const up = await node.auth.waitFor(({ event }) => event === "scp");
    assert.equal(up["code"], "T3005I");
    assert.equal(up["action"], "upload");
    assert.equal(up["path"], join(remote, "audited"));
    assert.equal(up["exitCode"], "0");
    node.auth.events.length = 0;
    await run("scp", [...base, target("/no/such/file"), node.directory]);
    const down = await node.auth.waitFor(({ event }) => event === "scp");
    assert.equal(down["code"], "T3004E");
    assert.equal(down["action"], "download");
  });

  it("sftp works in batch mode and is audited as a subsystem", async function () {
    needPrograms(this, "sftp");
    const batch = join(node.directory, "batch");
    writeFileSync(batch, `cd ${remote}\nput ${join(source, "big")} sftp-big\nls -l\nrename sftp-big moved\n`);
    const result = await run("sftp", [
      ...node.clientOptions(),
      "-P",
      String(node.port),
      "-b",
      batch,
      target(""),
    ]);
    assert.equal(result.code, 0, result.stderr);
    assert.equal(digest(join(remote, "moved")), digest(join(source, "big")));
    const event = await node.auth.waitFor(({ event: name }) => name === "subsystem");
    assert.equal(event["code"], "T3001I");
    assert.equal(event["name"], "sftp");
  });

  it("rsync works both ways", async function () {
    needPrograms(this, "rsync");
    const up = join(remote, "rsync-up");
    const down = join(node.directory, "rsync-down");
    for (const [from, to] of [
      [`${source}/`, target(up)],
      [target(`${up}/`), down],
    ] as const) {
      const result = await run("rsync", ["-a", "-e", rsh(), from, to]);
      assert.equal(result.code, 0, result.stderr);
    }
    assertSame(up);
    assertSame(down);
  });

  it("git clones and pushes", async function () {
    needPrograms(this, "git");
    const env = {
      ...process.env,
      GIT_SSH_COMMAND: rsh(),
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@b",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@b",
    };
    const bare = join(remote, "repository.git");
    const work = join(node.directory, "work");
    const git = async (...args: string[]): Promise<string> => {
      const result = await run("git", args, "", env);
      assert.equal(result.code, 0, result.stderr);
      return String(result.stdout);
    };
    await git("init", "-q", "--bare", "-b", "main", bare);
    await git("clone", "-q", `ssh://${LOGIN}@127.0.0.1${bare}`, work);
    writeFileSync(join(work, "file"), randomBytes(1 << 20));
    await git("-C", work, "add", "file");
    await git("-C", work, "commit", "-q", "-m", "Add a file");
    await git("-C", work, "push", "-q", "origin", "HEAD:main");
    assert.equal(await git("-C", bare, "rev-parse", "main"), await git("-C", work, "rev-parse", "HEAD"));
  });
});
