/** `local_auth: no` of teleport.yaml, seen from outside. */
import assert from "node:assert/strict";
import { generateEd25519KeyPair } from "../../core/pki/keys.js";
import { sshPublicLine } from "../../core/pki/ssh-key.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { callWeb, PASSWORD } from "./kit/users.js";

describe("e2e: local_auth: no", function () {
  this.timeout(60_000);
  let daemon: Daemon;
  before(async () => {
    daemon = await startDaemon({
      auth_service: {
        enabled: "yes",
        authentication: { type: "local", second_factor: "off", local_auth: "no" },
      },
    });
  });
  after(() => daemon?.remove());

  it("refuses invitations and logins, and starts without a warning about the key", async () => {
    const { code, stderr } = await daemon.runTctl(["users", "add", "alice", "root"]);
    assert.equal(code, 1);
    assert.match(stderr, /local auth disabled/);
    const publicLine = sshPublicLine(generateEd25519KeyPair().publicKey);
    const reply = await callWeb(daemon, "POST", "/v1/webapi/ssh/certs", {
      ...{ user: "alice", password: PASSWORD, otp_token: "", hotp_token: "" },
      ...{ pub_key: Buffer.from(publicLine).toString("base64"), ttl: 3600_000_000_000 },
    });
    assert.equal(reply.status, 403);
    assert.match(reply.text, /local auth disabled/);
    assert.doesNotMatch(daemon.output(), /local_auth has no effect/);
  });
});
