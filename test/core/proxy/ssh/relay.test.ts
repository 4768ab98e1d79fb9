import assert from "node:assert/strict";
import { once } from "node:events";
import { duplexPair, type Duplex } from "node:stream";
import { relay } from "../../../../core/proxy/ssh/relay.js";

/** All that a stream yields; unlike stream/consumers it leaves the other direction alone. */
async function text(stream: Duplex): Promise<string> {
  let all = "";
  stream.on("data", (chunk: Buffer) => (all += chunk.toString()));
  await once(stream, "end");
  return all;
}

describe("proxy: relay", () => {
  it("passes on the end of one direction and keeps the other open", async () => {
    const [client, clientSide] = duplexPair();
    const [server, serverSide] = duplexPair();
    const done = relay(clientSide, serverSide);
    client.end("question");
    assert.equal(await text(server), "question");
    server.end("answer");
    assert.equal(await text(client), "answer");
    await done;
  });

  it("tears the other side down when one breaks", async () => {
    const [, clientSide] = duplexPair();
    const [, serverSide] = duplexPair();
    const done = relay(clientSide, serverSide);
    clientSide.destroy(new Error("reset"));
    if (!serverSide.closed) await once(serverSide, "close");
    await done;
  });
});
