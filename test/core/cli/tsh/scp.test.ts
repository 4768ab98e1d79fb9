/** The scp protocol against the system's scp, and against nodes that mean harm. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { Duplex } from "node:stream";
import { expectedName, planCopies, shellPath, shellPattern } from "../../../../core/cli/tsh/scp/arguments.js";
import { receiveFiles, type ScpDownload } from "../../../../core/cli/tsh/scp/sink.js";
import { noProgress } from "../../../../core/cli/tsh/scp/progress.js";
import { sendPaths } from "../../../../core/cli/tsh/scp/source.js";
import { ScpStream } from "../../../../core/cli/tsh/scp/stream.js";
import { temporaryFolder } from "../../../kit/paths.js";
import { needProgram } from "../../pki/external-program.js";
import { streamPair } from "./stream-pair.js";

const PLAIN = { recursive: true, preserve: false, several: false };

describe("scp", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let failures: string[];
  const report = { progress: noProgress, failure: (message: string) => void failures.push(message) };

  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    failures = [];
  });
  afterEach(() => remove());

  /** The system's scp, as a node runs it. */
  function stockScp(...args: string[]): { stream: ScpStream; code: Promise<number | null> } {
    const child = spawn("scp", args, { stdio: ["pipe", "pipe", "ignore"] });
    const code = new Promise<number | null>((resolve) => child.on("close", resolve));
    return { stream: new ScpStream(Duplex.from({ readable: child.stdout, writable: child.stdin })), code };
  }

  /** A folder with a file of each kind that matters. */
  function makeTree(): string {
    const tree = path.join(folder, "tree");
    mkdirSync(path.join(tree, "with space"), { recursive: true });
    mkdirSync(path.join(tree, "read-only"));
    writeFileSync(path.join(tree, "empty"), "");
    writeFileSync(path.join(tree, "with space", "ünïcode"), randomBytes(700_000));
    writeFileSync(path.join(tree, "script"), "#!/bin/sh\n", { mode: 0o755 });
    return tree;
  }

  function assertSameTree(copy: string, tree: string): void {
    assert.deepEqual(readdirSync(copy, { recursive: true }), readdirSync(tree, { recursive: true }));
    assert.ok(
      readFileSync(path.join(copy, "with space", "ünïcode")).equals(
        readFileSync(path.join(tree, "with space", "ünïcode")),
      ),
    );
    assert.equal(statSync(path.join(copy, "script")).mode & 0o777, 0o755);
  }

  it("uploads a folder to the system's scp", async function () {
    needProgram(this, "scp");
    const tree = makeTree();
    const copy = path.join(folder, "copy");
    const { stream, code } = stockScp("-r", "-t", copy);
    await sendPaths(stream, { ...PLAIN, paths: [tree] }, report);
    assert.equal(await code, 0);
    assertSameTree(copy, tree);
    assert.deepEqual(failures, []);
  });

  it("downloads a folder from the system's scp", async function () {
    needProgram(this, "scp");
    const tree = makeTree();
    const copy = path.join(folder, "copy");
    const { stream, code } = stockScp("-r", "-f", tree);
    await receiveFiles(stream, { ...PLAIN, target: copy, expectedName: "tree" }, report);
    stream.end();
    assert.equal(await code, 0);
    assertSameTree(copy, tree);
  });

  it("keeps times and modes both ways where that is asked for", async function () {
    needProgram(this, "scp");
    const tree = makeTree();
    chmodSync(path.join(tree, "read-only"), 0o555);
    const modified = new Date("2001-02-03T04:05:06Z");
    for (const name of ["script", "read-only", "."]) utimesSync(path.join(tree, name), modified, modified);
    const there = path.join(folder, "there");
    const upload = stockScp("-p", "-r", "-t", there);
    await sendPaths(upload.stream, { ...PLAIN, preserve: true, paths: [tree] }, report);
    assert.equal(await upload.code, 0);
    const download = stockScp("-p", "-r", "-f", there);
    const back = path.join(folder, "back");
    await receiveFiles(
      download.stream,
      { ...PLAIN, preserve: true, target: back, expectedName: "there" },
      report,
    );
    download.stream.end();
    assert.equal(await download.code, 0);
    for (const copy of [there, back]) {
      for (const name of ["script", "read-only", "."]) {
        const { mtime, mode } = statSync(path.join(copy, name));
        assert.deepEqual(mtime, modified, `${copy}/${name}`);
        assert.equal(mode & 0o777, statSync(path.join(tree, name)).mode & 0o777, name);
      }
    }
    assert.deepEqual(failures, []);
  });

  it("reports a file that the system's scp does not find, and takes the others", async function () {
    needProgram(this, "scp");
    const { stream } = stockScp("-f", path.join(folder, "none"));
    await receiveFiles(stream, { ...PLAIN, target: folder, expectedName: "none", recursive: false }, report);
    assert.match(failures.join(), /none: No such file/);
  });

  it("sends what it can of a folder that contains itself", async function () {
    needProgram(this, "scp");
    const tree = makeTree();
    symlinkSync("..", path.join(tree, "read-only", "loop"));
    const { stream, code } = stockScp("-r", "-t", path.join(folder, "copy"));
    await sendPaths(stream, { ...PLAIN, paths: [tree] }, report);
    assert.equal(await code, 0);
    assert.match(failures.join(), /loop: this folder contains itself/);
    assert.ok(existsSync(path.join(folder, "copy", "script")));
  });

  describe("a download from a hostile node", () => {
    /** Plays the node: sends all of it without waiting for answers. */
    async function receive(sent: string | Buffer, download: Partial<ScpDownload> = {}): Promise<void> {
      const [ours, theirs] = streamPair();
      theirs.resume();
      theirs.end(sent);
      const target = path.join(folder, "target");
      mkdirSync(target, { recursive: true });
      await receiveFiles(
        new ScpStream(ours),
        { ...PLAIN, target, expectedName: "asked", ...download },
        report,
      );
    }

    it("the file that was asked for is taken", async () => {
      await receive("C0644 2 asked\nhi\0");
      assert.equal(readFileSync(path.join(folder, "target", "asked"), "utf8"), "hi");
    });

    it("set-user-id bits are not", async () => {
      await receive("C4755 2 asked\nhi\0");
      assert.equal(statSync(path.join(folder, "target", "asked")).mode & 0o7000, 0);
    });

    const refused: [string, string | Buffer, RegExp][] = [
      ["another name", "C0644 2 .bashrc\nhi\0", /".bashrc" where "asked" was asked for/],
      ["a path up", "C0644 2 ../asked\nhi\0", /no file name/],
      ["an absolute path", "C0644 2 /etc/x\nhi\0", /no file name/],
      ["the parent folder", "D0755 0 ..\n", /no file name/],
      ["the folder itself", "D0777 0 .\n", /no file name/],
      ["a path up inside a folder", "D0755 0 asked\nC0644 2 ../../x\nhi\0", /no file name/],
      ["control bytes in a name", "C0644 2 as\u001b[2Jked\nhi\0", /no file name/],
      ["an empty name", "C0644 2 \nhi\0", /cannot be read/],
      ["a second file", "C0644 2 asked\nhi\0C0644 2 asked\nhi\0", /more than was asked for/],
      ["an end of no folder", "E\n", /has not begun/],
      ["an absurd size", "C0644 9999999999999999 asked\n", /absurd/],
      ["a negative size", "C0644 -1 asked\n", /cannot be read/],
      ["bad modes", "C9999 2 asked\nhi\0", /cannot be read/],
      ["an endless line", `C0644 2 ${"a".repeat(100_000)}`, /too long/],
      ["a name that is not UTF-8", Buffer.from("C0644 2 as\xffked\nhi\0", "latin1"), /not UTF-8/],
      ["fewer bytes than announced", "C0644 100 asked\nhi", /ended the copy/],
      ["an open folder", "D0755 0 asked\n", /within a folder/],
      ["endless folders", "D0755 0 asked\n".repeat(300), /nested too deeply/],
      ["nothing", "", /sent nothing/],
      ["a fatal error", "\u0002no\u001b[2J way\n", /no\\u001b\[2J way/],
    ];
    for (const [name, sent, message] of refused) {
      it(`${name}: refused`, async () => {
        await assert.rejects(receive(sent), { message });
        assert.deepEqual(readdirSync(folder), ["target"]);
      });
    }

    it("a folder where a file was asked for: refused", async () => {
      await assert.rejects(receive("D0755 0 asked\nE\n", { recursive: false }), /perhaps try -r/);
      assert.deepEqual(readdirSync(path.join(folder, "target")), []);
    });

    it("a pattern takes what matches it, into a folder only", async () => {
      const pattern = { expectedName: "*.log", several: true };
      await receive("C0644 1 a.log\na\0C0644 1 b.log\nb\0", pattern);
      assert.deepEqual(readdirSync(path.join(folder, "target")), ["a.log", "b.log"]);
      for (const name of [".a.log", "b.txt"]) {
        await assert.rejects(receive(`C0644 1 ${name}\nx\0`, pattern), /was asked for/, name);
      }
      const target = path.join(folder, "file");
      await assert.rejects(
        receive("C0644 1 a.log\na\0C0644 1 b.log\nb\0", { ...pattern, target }),
        /not a folder/,
      );
    });

    it("times that cannot be read: refused", async () => {
      await assert.rejects(receive("Tyesterday\nC0644 1 asked\nx\0"), /line of times/);
    });

    it("warnings reach the terminal without their control bytes", async () => {
      await receive("\u0001scp: \u001b]0;title\u0007\nC0644 2 asked\nhi\0");
      assert.deepEqual(failures, ["scp: \\u001b]0;title\\u0007"]);
    });
  });

  describe("the arguments", () => {
    it("a remote path at the end takes all others", () => {
      assert.deepEqual(planCopies(["a", "./b:c", "root@node1:/tmp"]), [
        {
          kind: "upload",
          sources: ["a", "./b:c"],
          target: { login: "root", host: "node1", path: "/tmp" },
        },
      ]);
    });

    it("a remote path at the start goes to every local one", () => {
      const source = { login: undefined, host: "::1", path: "." };
      assert.deepEqual(planCopies(["[::1]:", "a", "b"]), [
        { kind: "download", source, target: "a" },
        { kind: "download", source, target: "b" },
      ]);
    });

    for (const [args, message] of [
      [["a"], /at least two/],
      [["a", "b"], /local copies is not supported/],
      [["n:/a", "n:/b"], /from one node to another/],
      [["a", "n:/b", "c"], /upload and download at once/],
      [["n:/a", "m:/b", "c"], /on one node/],
    ] as const) {
      it(`${args.join(" ")} is refused`, () => assert.throws(() => planCopies(args), { message }));
    }

    it("paths reach the node's shell as one word", () => {
      assert.equal(shellPath("/tmp/a-b_c.d"), "/tmp/a-b_c.d");
      assert.equal(shellPath("~/x y"), "~'/x y'");
      assert.equal(shellPath("~root"), "~root");
      assert.equal(shellPath("a'b$(id)"), "'a'\\''b$(id)'");
      assert.equal(shellPath("-rf"), "./-rf");
      assert.equal(shellPath("a\nb"), "'a\nb'");
    });

    it("patterns are left to the node's shell, and nothing else", () => {
      assert.equal(shellPattern("/var/log/*.log"), "/var/log/*.log");
      assert.equal(shellPattern("a b/[0-9]?$(id)"), "'a b/'[0-9]?'$(id)'");
      assert.equal(shellPattern("a\\*b"), "a'*'b");
      assert.equal(shellPattern("-*"), "./-*");
      assert.equal(expectedName("/x/a\\*b"), "a*b");
      assert.equal(expectedName("/x/*.log"), "*.log");
    });

    it("the name to expect is the last part of the path, where that says one", () => {
      assert.equal(expectedName("/tmp/a b/"), "a b");
      for (const path of ["/", ".", "a/..", "~", "~root"]) assert.equal(expectedName(path), undefined);
    });
  });
});
