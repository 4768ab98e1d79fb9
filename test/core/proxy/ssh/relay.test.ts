import assert from "node:assert/strict";
import { once } from "node:events";
import { duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import { relay } from "../../../../core/proxy/ssh/relay.js";

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
