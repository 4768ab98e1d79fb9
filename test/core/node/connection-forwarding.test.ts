import assert from "node:assert/strict";
import { createAccess } from "../../../core/access/access.js";
import { ConnectionForwarding } from "../../../core/node/connection-forwarding.js";
import type { NodeContext } from "../../../core/node/node-context.js";
import { LiveIdentity } from "../../../core/session/live-identity.js";
import type { SshConnection } from "../../../core/ssh/contract.js";
import { certificate } from "../access/sample-connections.js";
import { role } from "./node-fixture.js";

describe("what a connection may forward", () => {
  const REASON = "a lock is in force";
  const holder = certificate("alice", ["admin"], { logins: ["root"] });
  const extensions = new Map([...holder.extensions, ["permit-port-forwarding", ""] as const]);

  function open(): { forwarding: ConnectionForwarding; identity: LiveIdentity } {
    const identity = new LiveIdentity(
      {
        user: "alice",
        access: createAccess([role("admin")], { logins: ["root"] }),
        certificate: { ...holder, extensions },
      },
      { requireSession: () => undefined, released: () => undefined },
    );
    const connection: Partial<SshConnection> = { user: "root", whenClosed: new Promise(() => undefined) };
    const context = { settings: { portForwarding: true } };
    const forwarding = new ConnectionForwarding(
      context as NodeContext,
      connection as SshConnection,
      identity,
    );
    return { forwarding, identity };
  }

  it("is nothing once the user is shut out, though sessions are still told why", () => {
    const { forwarding, identity } = open();
    identity.holdSession("s1", () => new Promise(() => undefined));
    let ended = false;
    forwarding.forwards.hold("local", () => (ended = true));
    assert.equal(forwarding.portRefusal(), undefined);
    identity.deny(REASON);
    assert.equal(forwarding.portRefusal(), REASON);
    assert.equal(forwarding.agentRefusal(), REASON);
    assert.ok(ended, "what was forwarded has ended");
  });
});
