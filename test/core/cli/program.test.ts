import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { temporaryFolder } from "../../kit/paths.js";
import { runBuilt } from "./run-program.js";

describe("the frame of the programs", function () {
  this.timeout(30_000);
  let folder: string;
  let remove: () => Promise<void>;
  before(async () => ({ folder, remove } = await temporaryFolder()));
  after(() => remove());

  it("prints usage and fails without a command", () => {
    const { code, stdout, stderr } = runBuilt("teleport", []);
    assert.equal(code, 1);
    assert.match(stdout, /^Usage: teleport \[options\] \[command\]/);
    assert.match(stdout, /Examples:\n {2}teleport start/);
    assert.equal(stderr, "");
  });

  it("names a command that it does not know, also inside a group and in help", () => {
    for (const args of [["bogus"], ["users", "bogus"], ["help", "bogus"], ["help", "users", "bogus"]]) {
      const { code, stdout, stderr } = runBuilt("tctl", args);
      assert.equal(code, 1, args.join(" "));
      assert.equal(stdout, "");
      assert.equal(stderr, `error: expected command but got "bogus", run 'tctl help' for usage\n`);
    }
  });

  it("shows a group's commands when none of them is chosen", () => {
    const { code, stderr } = runBuilt("tctl", ["tokens"]);
    assert.equal(code, 1);
    assert.match(stderr, /^Usage: tctl tokens/);
  });

  it("shows the same help for a command by `help` and by --help, with examples", () => {
    const byWord = runBuilt("tctl", ["help", "users", "add"]);
    const byFlag = runBuilt("tctl", ["users", "add", "--help"]);
    assert.equal(byWord.code, 0);
    assert.equal(byFlag.code, 0);
    assert.equal(byWord.stdout, byFlag.stdout);
    assert.match(byWord.stdout, /--ttl <duration>/);
    assert.match(byWord.stdout, /Examples:\n {2}tctl users add joe/);
  });

  it("prints the version without any configuration", () => {
    for (const name of ["teleport", "tctl"] as const) {
      const { code, stdout } = runBuilt(name, ["version"], { TELEPORT_CONFIG: "!!!" });
      assert.equal(code, 0);
      assert.match(stdout, /^Teleport v\d+\.\d+\.\d+ git: node\d+/);
    }
  });

  it("refuses flags and arguments that a command does not take", () => {
    assert.equal(
      runBuilt("tctl", ["status", "--bogus"]).stderr,
      "error: unknown option '--bogus', run 'tctl help' for usage\n",
    );
    assert.match(runBuilt("tctl", ["users", "add"]).stderr, /^error: missing required argument 'account'/);
    assert.match(
      runBuilt("teleport", ["version", "extra"]).stderr,
      /^error: too many arguments for 'version'/,
    );
  });

  it("reports every problem of a configuration file on a line of its own", async () => {
    const file = path.join(folder, "broken.yaml");
    await writeFile(file, "teleport:\n  foo: 1\nauth_servce:\n  enabled: yes\n");
    for (const args of [
      ["-c", file, "status"],
      ["status", "-c", file],
    ]) {
      const { code, stderr } = runBuilt("tctl", args);
      assert.equal(code, 1);
      assert.deepEqual(stderr.trimEnd().split("\n"), [
        `error: ${file}:2:3: unrecognized configuration key: 'foo'`,
        `error: ${file}:3:1: unrecognized configuration key: 'auth_servce', did you mean 'auth_service'?`,
      ]);
    }
  });

  it("takes the configuration from TELEPORT_CONFIG", () => {
    const config = Buffer.from("teleport:\n  bogus: 1\n").toString("base64");
    const { stderr } = runBuilt("tctl", ["status"], { TELEPORT_CONFIG: config });
    assert.equal(stderr, "error: TELEPORT_CONFIG:2:3: unrecognized configuration key: 'bogus'\n");
  });

  it("shows the causes of an error on request", async () => {
    const args = ["-i", path.join(folder, "absent"), "status"];
    assert.equal(runBuilt("tctl", args).stderr.split("\n").length, 2);
    assert.match(runBuilt("tctl", ["-d", ...args]).stderr, /ENOENT[^]*at /);
    assert.match(runBuilt("tctl", args, { TELEPORT_DEBUG: "1" }).stderr, /ENOENT[^]*at /);
  });

  it("quotes a message that holds control characters", () => {
    const { stderr } = runBuilt("tctl", ["-i", "evil\u001b[2J\nfile", "status"]);
    assert.match(stderr, /^error: "cannot read the identity file evil\\u001b\[2J\\nfile: /);
    assert.equal(stderr.split("\n").length, 2);
  });
});
