import assert from "node:assert/strict";
import type { AuthApi } from "../../../core/auth/client/api.js";
import { limitExceeded } from "../../../core/errors/error.js";
import { NodeFixture, role } from "../node/node-fixture.js";
import { needPrograms } from "../node/stock-programs.js";
import { ShellClient } from "./shell-client.js";

describe("connection admission", function () {
  this.timeout(30_000);
  let node: NodeFixture;
  const held = new Set<string>();
  before(async function () {
    needPrograms(this, "ssh-keygen");
    const plain = role("admin");
    const limited = {
      ...plain,
      spec: { ...plain.spec, options: { ...plain.spec.options, max_connections: 1 } },
    };
    node = await new NodeFixture({ roles: [limited] }).start();
    const calls: Pick<AuthApi, "holdConnectionPlace" | "releaseConnectionPlace"> = {
      holdConnectionPlace: async ({ id, user, max }) => {
        if (!held.has(id) && held.size >= max) {
          throw limitExceeded(`too many concurrent ssh connections for user "${user}" (max=${max})`);
        }
        held.add(id);
        return { lease_ms: 120_000 };
      },
      releaseConnectionPlace: async (_user, id) => void held.delete(id),
    };
    Object.assign(node.auth.api, calls);
  });
  after(() => node?.close());

  it("lets in as many connections as there are places, and gives each back", async () => {
    const first = await ShellClient.open(node, { command: "true" });
    await first.channel.whenClosed;
    assert.equal(first.exitStatus, 0);
    const second = await node.connect();
    await second.whenClosed;
    const event = await node.auth.waitFor(({ event: name }) => name === "session.rejected");
    assert.equal(event["code"], "T1006W");
    assert.equal(event["reason"], "max_connections limit reached");
    assert.equal(event["max"], 1);
    first.connection.disconnect("done");
    while (held.size > 0) await new Promise((resolve) => setImmediate(resolve));
    const third = await ShellClient.open(node, { command: "true" });
    await third.channel.whenClosed;
    assert.equal(third.exitStatus, 0);
    third.connection.disconnect("done");
  });

  it("serves no channel of a connection without a place", async () => {
    const first = await ShellClient.open(node, { command: "true" });
    const second = await node.connect();
    await assert.rejects(second.openChannel("session"));
    await second.whenClosed;
    first.connection.disconnect("done");
  });
});
