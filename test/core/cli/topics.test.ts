import assert from "node:assert/strict";
import { TOPICS } from "../../../core/cli/topics/topics.js";
import { roleCodec } from "../../../core/resources/role-codec.js";
import { parse } from "yaml";
import { runBuilt } from "./run-program.js";

describe("help topics", () => {
  it("are listed by each program's help, and printed by name", async () => {
    for (const program of ["tctl", "tsh", "teleport"] as const) {
      const help = runBuilt(program, ["help"]);
      for (const { name, summary } of TOPICS) assert.match(help.stdout, new RegExp(`${name} +${summary}`));
    }
    const { stdout, code } = runBuilt("tctl", ["help", "locks"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Locks\n\n/);
  });

  it("fit a terminal, and end with a newline", async () => {
    for (const topic of TOPICS) {
      const { text } = await topic.load();
      assert.ok(text.endsWith("\n"), topic.name);
      for (const line of text.split("\n")) assert.ok(line.length <= 120, `${topic.name}: ${line}`);
    }
  });

  it("show a role that the cluster takes", async () => {
    const { text } = await TOPICS.find(({ name }) => name === "roles")!.load();
    const example = /\n( {2}kind: role\n(?: {2}.*\n)+)/.exec(text)?.[1] ?? "";
    assert.equal(roleCodec.check(parse(example)).metadata.name, "developer");
  });
});
