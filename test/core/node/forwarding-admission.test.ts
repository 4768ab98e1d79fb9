import assert from "node:assert/strict";
import { accessDenied } from "../../../core/errors/error.js";
import { ForwardedAgent } from "../../../core/node/agent-forwarding.js";
import type { ConnectionForwarding } from "../../../core/node/connection-forwarding.js";
import { openDisplay } from "../../../core/node/x11-forwarding.js";
import type { SshChannel } from "../../../core/ssh/contract.js";

describe("forwarding on a host whose PAM does not admit the login", () => {
  const failures: string[] = [];
  const asked: string[] = [];
  const forwarding = {
    agentRefusal: () => undefined,
    x11Refusal: () => undefined,
    admission: () => Promise.reject(accessDenied("PAM does not admit this login: expired")),
    audit: { failed: (_forward: unknown, error: string) => Promise.resolve(void failures.push(error)) },
    connection: { user: "root" },
    context: {
      settings: { x11: { displayOffset: 310, maxDisplay: 310 } },
      lookupAccount: (name: string) => {
        asked.push(name);
        return Promise.reject(new Error("nothing may be done for the login"));
      },
    },
  } as unknown as ConnectionForwarding;

  it("opens no socket to the client's agent", async () => {
    await assert.rejects(new ForwardedAgent(forwarding).socket(), /PAM does not admit/);
    assert.deepEqual(asked, []);
  });

  it("runs no xauth and opens no display, and audits that", async () => {
    const request = { singleConnection: false, protocol: "MIT-MAGIC-COOKIE-1", cookie: "00", screen: 0 };
    const channel = { whenClosed: new Promise<void>(() => undefined) };
    await assert.rejects(openDisplay(request, channel as SshChannel, forwarding), /PAM does not admit/);
    assert.deepEqual(asked, []);
    assert.match(failures.join(), /PAM does not admit/);
  });
});
