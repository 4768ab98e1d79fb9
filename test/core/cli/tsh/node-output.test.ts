import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { SharedOutput, type NodeOutput } from "../../../../core/cli/tsh/node-output.js";

describe("the outputs of several nodes", () => {
  let shown: string;
  let shared: SharedOutput;

  beforeEach(() => {
    shown = "";
    const sink = (mark: string): Writable =>
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          shown += `${mark}${chunk.length > 20 ? chunk.length : chunk.toString()};`;
          setImmediate(done);
        },
      });
    shared = new SharedOutput(sink("o:"), sink("e:"));
  });

  const write = (stream: Writable, data: string | Buffer): Promise<void> =>
    new Promise((resolve, reject) => stream.write(data, (error) => (error ? reject(error) : resolve())));

  it("come in one piece each, in the order in which the nodes are done", async () => {
    const [a, b] = [shared.open(), shared.open()];
    for (const [node, name] of [
      [a, "a"],
      [b, "b"],
    ] as [NodeOutput, string][]) {
      await write(node.stdout, `${name}1`);
      await write(node.stderr, `${name}2`);
      await write(node.stdout, `${name}3`);
    }
    assert.equal(shown, "");
    await b.close();
    await a.close();
    assert.equal(shown, "o:b1;e:b2;o:b3;o:a1;e:a2;o:a3;");
  });

  it("a node that says much streams, and those that are done meanwhile wait for it", async () => {
    const [much, other] = [shared.open(), shared.open()];
    const bytes = 5 * 1024 * 1024;
    await write(much.stdout, Buffer.alloc(bytes));
    assert.equal(shown, `o:${bytes};`);
    await write(other.stdout, "other");
    const closing = other.close();
    await write(much.stdout, "tail");
    assert.equal(shown, `o:${bytes};o:tail;`);
    await much.close();
    await closing;
    assert.equal(shown, `o:${bytes};o:tail;o:other;`);
  });
});
