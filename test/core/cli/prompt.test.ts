import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { repoRoot } from "../../kit/paths.js";
import { needPrograms } from "../ssh/openssh.js";

const PROMPT = path.join(repoRoot, "dist", "core", "cli", "prompt.js");

/** Asks two questions, then takes the rest of the input as a session would. */
const SCRIPT = `
import { promptLine, promptSecret } from ${JSON.stringify(PROMPT)};
try {
  const secret = await promptSecret("Secret: ");
  const line = await promptLine("Line: ");
  process.stdout.write(JSON.stringify([secret, line]) + "\\n");
  if (process.argv[1] === "rest") process.stdin.pipe(process.stdout);
} catch (error) {
  process.stdout.write("failed " + (error.exitCode ?? error.message) + "\\n");
}`;

describe("prompts", function () {
  this.timeout(30_000);

  /** Runs the script; what `answers` maps a question to is typed once that question is shown. */
  async function run(
    command: readonly string[],
    input: Buffer | Readonly<Record<string, string>>,
  ): Promise<{ stdout: Buffer; shown: string }> {
    const child = spawn(command[0]!, command.slice(1), { stdio: "pipe" });
    const stdout: Buffer[] = [];
    let shown = "";
    const open = new Map(Buffer.isBuffer(input) ? [] : Object.entries(input));
    const onText = (chunk: Buffer): void => {
      shown += chunk.toString();
      for (const [question, answer] of open) {
        if (!shown.includes(question)) continue;
        open.delete(question);
        child.stdin.write(answer);
      }
    };
    child.stdout.on("data", (chunk: Buffer) => {
      stdout.push(chunk);
      onText(chunk);
    });
    child.stderr.on("data", onText);
    if (Buffer.isBuffer(input)) child.stdin.end(input);
    await once(child, "close");
    return { stdout: Buffer.concat(stdout), shown };
  }

  const node = (...args: string[]): string[] => [
    process.execPath,
    "--input-type=module",
    "-e",
    SCRIPT,
    ...args,
  ];

  it("read lines of a pipe and leave every byte after them to the session", async () => {
    const rest = Buffer.from([0x00, 0xff, 0x0d, 0x0a, 0x80, 0x03]);
    const input = Buffer.concat([Buffer.from("geheim é\r\nyes\n"), rest]);
    const { stdout, shown } = await run(node("rest"), input);
    assert.deepEqual(stdout, Buffer.concat([Buffer.from('["geheim é","yes"]\n'), rest]));
    assert.ok(shown.includes("Secret: ") && shown.includes("Line: "));
  });

  it("take a last line without its end, and fail when there is none", async () => {
    assert.equal((await run(node(), Buffer.from("a\nb"))).stdout.toString(), '["a","b"]\n');
    for (const input of ["", "a\n"]) {
      const { stdout } = await run(node(), Buffer.from(input));
      assert.equal(stdout.toString(), "failed the input ended before it was answered\n");
    }
  });

  describe("on a terminal", () => {
    const terminal = (): string[] => [
      "/usr/bin/script",
      "-qec",
      node()
        .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
        .join(" "),
      "/dev/null",
    ];

    before(function () {
      needPrograms(this, "/usr/bin/script");
    });

    it("hide a secret, let it be edited, and end the process when all is answered", async () => {
      const { shown } = await run(terminal(), { "Secret: ": "wrong\u0015pé\u007fass\r", "Line: ": "yes\r" });
      assert.ok(shown.includes('["pass","yes"]'), shown);
      assert.ok(!shown.replace('["pass"', "").includes("pass"), "the secret was echoed");
    });

    it("take answers that were typed ahead", async () => {
      const { shown } = await run(terminal(), { "Secret: ": "pass\ryes\r\n" });
      assert.ok(shown.includes('["pass","yes'), shown);
    });

    it("end by Ctrl-C with exit code 130", async () => {
      const { shown } = await run(terminal(), { "Secret: ": "pa\u0003" });
      assert.ok(shown.includes("failed 130"), shown);
    });
  });
});
