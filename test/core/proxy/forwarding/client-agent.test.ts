import assert from "node:assert/strict";
import { hasCode } from "../../../../core/errors/error.js";
import { type AgentSource, openClientAgent } from "../../../../core/proxy/forwarding/client-agent.js";
import { serveAgent } from "../../../../core/ssh/agent-server.js";
import type { SshConnection } from "../../../../core/ssh/contract.js";
import { createSigner } from "../../../../core/ssh/signer.js";
import { keyPair } from "../../ssh/authority.js";
import { Loopback } from "../../ssh/loopback.js";

/** A client's connection as the proxy sees it. The client serves an agent with one key, unless it has none. */
async function client(asked: string[], name: string, hasAgent = true): Promise<SshConnection> {
  const { privateKey } = await keyPair("ed25519");
  const loopback = await Loopback.create();
  const connection = await loopback.connect();
  connection.onChannel("auth-agent@openssh.com", (open) => {
    asked.push(name);
    if (!hasAgent) open.reject(1, "no agent");
    else void serveAgent(open.accept(), () => [{ signer: createSigner(privateKey), comment: name }]);
  });
  return loopback.accepted[0]!;
}

describe("proxy: the client's agent", () => {
  let asked: string[];
  beforeEach(() => (asked = []));

  const opened = async (sources: readonly AgentSource[]): Promise<string | undefined> => {
    const agent = await openClientAgent(sources);
    const [identity] = await agent.identities();
    agent.close();
    return identity?.comment;
  };

  it("is taken from the connection that offers it, before one that could not say", async () => {
    const [inner, outer] = [await client(asked, "inner"), await client(asked, "outer")];
    const sources = [
      { connection: inner, offered: undefined },
      { connection: outer, offered: true },
    ];
    assert.equal(await opened(sources), "outer");
    assert.deepEqual(asked, ["outer"]);
  });

  it("is asked of a connection that could not say, where the other one leads to none", async () => {
    const [inner, outer] = [await client(asked, "inner", false), await client(asked, "outer")];
    const sources = [
      { connection: inner, offered: true },
      { connection: outer, offered: undefined },
    ];
    assert.equal(await opened(sources), "outer");
    assert.deepEqual(asked, ["inner", "outer"]);
  });

  it("is not asked of a connection that could have offered it and did not", async () => {
    const connection = await client(asked, "silent");
    await assert.rejects(
      openClientAgent([{ connection, offered: false }]),
      (error: Error) => hasCode(error, "access_denied") && /user agent required/.test(error.message),
    );
    assert.deepEqual(asked, []);
  });
});
