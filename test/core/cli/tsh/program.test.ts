/** tsh as a program: what it prints and how it ends, without a cluster. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { repoRoot, temporaryFolder } from "../../../kit/paths.js";

const SCRIPT = path.join(repoRoot, "dist", "core", "bin", "tsh.js");

describe("the program tsh", () => {
  let folder: string;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
  });
  afterEach(() => remove());

  function tsh(args: readonly string[], environment: Record<string, string> = {}, script = SCRIPT) {
    const env = { PATH: process.env["PATH"], HOME: folder, ...environment };
    return spawnSync(process.execPath, [script, ...args], { env, encoding: "utf8", input: "" });
  }

  const cases: [string[], number, string, string | RegExp][] = [
    [["status"], 0, "Not logged in.\n", ""],
    [["ls"], 1, "", /^error: not logged in, .*tsh login --proxy=<address>\n$/],
    [
      ["--proxy=p", "--user=alice", "ls"],
      1,
      "",
      /^error: alice is not logged in: log in with tsh login --proxy=p\n$/,
    ],
    [["logout"], 1, "", "error: not logged in\n"],
    [["logout", "--proxy=p"], 0, /^Specify --proxy and --user/.source, ""],
    [["logout", "--proxy=p", "--user=u"], 1, "", "User u already logged out from p.\n"],
    [["login"], 1, "", /^error: not logged in, and no proxy address/],
    [["-i", "x", "login"], 1, "", "error: -i flag cannot be used here\n"],
    [["-o", "x=y", "ssh", "n"], 1, "", /perhaps you want to use this flag as tsh ssh -o\?/],
    [["-J", "a,b", "ls"], 1, "", "error: only one jump host is supported, got 2\n"],
    [["-J", "a", "-J", "b", "ls"], 1, "", "error: only one jump host is supported, got 2\n"],
    [
      ["-i", "/no/such.pem", "--proxy=p", "ls"],
      1,
      "",
      "error: cannot read the identity file /no/such.pem: no such file or directory\n",
    ],
    [["show", "/"], 1, "", "error: cannot read the identity file /: it is a directory\n"],
    [["--ttl=x", "ls"], 1, "", /^error: invalid --ttl/],
    [
      ["--compat=oldssh", "--cert-format=standard", "ls"],
      1,
      "",
      /--compat or --cert-format must be specified/,
    ],
    [["play", "xx"], 1, "", "error: 'xx' is not a valid session ID (must be GUID)\n"],
    [["scp", "a"], 1, "", "error: Need at least two arguments for scp\n"],
    [["scp", "nofile", "n:/x"], 1, "", "error: stat nofile: no such file or directory\n"],
    [["scp", "/tmp", "n:/x"], 1, "", "error: /tmp is a directory, perhaps try -r flag?\n"],
    [["join", "xx"], 1, "", "error: 'xx' is not a valid session ID (must be GUID)\n"],
    [["env"], 1, "", /^error: not logged in, and no proxy address/],
    [["env", "--unset"], 0, "unset TELEPORT_PROXY\nunset TELEPORT_CLUSTER\n", ""],
    [["status", "--format=json"], 0, '{\n  "active": null,\n  "profiles": []\n}\n', ""],
    [["-i", "x", "config"], 1, "", /tctl auth sign --format=openssh/],
    [["ssh", "-X", "-Y", "n"], 1, "", /-X and -Y exclude each other/],
    [["ssh", "-L", "bad", "n"], 1, "", /^error: Invalid port forwarding spec: 'bad'\./],
    [["ssh", "-D", "bad", "n"], 1, "", /^error: Invalid dynamic port forwarding spec: 'bad'\./],
    [["ssh", "-R", "bad", "n"], 1, "", /^error: Invalid remote port forwarding spec: 'bad'\./],
    [["--add-keys-to-agent=x", "ls"], 1, "", /^error: invalid --add-keys-to-agent 'x', use auto/],
    [["bench", "--threads=0", "n", "true"], 1, "", /^error: invalid --threads '0', expected a number from 1/],
    [["show", "/no/such"], 1, "", /^error: .*\/no\/such/],
  ];
  for (const [args, code, stdout, stderr] of cases) {
    it(`${args.join(" ")}: exit code ${code}`, () => {
      const outcome = tsh(args);
      assert.equal(outcome.status, code);
      assert.ok(
        outcome.stdout === stdout || (stdout.startsWith("^") && new RegExp(stdout).test(outcome.stdout)),
      );
      if (typeof stderr === "string") assert.equal(outcome.stderr, stderr);
      else assert.match(outcome.stderr, stderr);
      assert.deepEqual(readdirSync(folder), [], "nothing may be created");
    });
  }

  it("takes flags from the environment, and flags before those", () => {
    const environment = { TELEPORT_PROXY: "p", TELEPORT_USER: "bob" };
    assert.match(tsh(["ls"], environment).stderr, /bob is not logged in.*--proxy=p/);
    assert.match(tsh(["ls", "--user=eve"], environment).stderr, /eve is not logged in/);
  });

  it("is ssh and scp under these names", () => {
    for (const [name, message] of [
      ["ssh", /missing required argument '\[user@\]host'/],
      ["scp", /missing required argument/],
    ] as const) {
      const link = path.join(folder, name);
      symlinkSync(SCRIPT, link);
      assert.match(tsh([], {}, link).stderr, message);
    }
  });

  it("has examples in the help of every command", () => {
    for (const command of [
      "ssh",
      "scp",
      "join",
      "env",
      "config",
      "ls",
      "clusters",
      "play",
      "login",
      "logout",
      "status",
    ]) {
      assert.match(tsh(["help", command]).stdout, /\nExamples:\n {2}tsh /, command);
    }
  });

  it("loads neither the SSH nor the API client for version", () => {
    const outcome = spawnSync(
      process.execPath,
      [
        "--import",
        "data:text/javascript,process.on('exit',()=>console.error(process.moduleLoadList.join()))",
        SCRIPT,
        "version",
      ],
      { encoding: "utf8", env: { PATH: process.env["PATH"], HOME: folder } },
    );
    assert.match(outcome.stdout, /^Teleport v\d/);
    assert.doesNotMatch(outcome.stderr, /NativeModule (https|tls|http2)\b/);
  });

  it("names the file where an identity cannot be read", () => {
    mkdirSync(path.join(folder, "x"));
    const file = path.join(folder, "x", "id.pem");
    writeFileSync(file, "nonsense");
    assert.match(tsh(["-i", file, "--proxy=p", "ls"]).stderr, /id\.pem is not an identity file/);
  });
});
