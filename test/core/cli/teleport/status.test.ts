import assert from "node:assert/strict";
import { sessionStatus } from "../../../../core/cli/teleport/status.js";

const session = {
  SSH_TELEPORT_USER: "alice",
  USER: "root",
  SSH_CLIENT: "10.0.0.1 40000 3022",
  SSH_TELEPORT_CLUSTER_NAME: "example.test",
  SSH_TELEPORT_HOST_UUID: "11111111-1111-4111-8111-111111111111",
  SSH_SESSION_ID: "22222222-2222-4222-8222-222222222222",
  SSH_SESSION_WEBPROXY_ADDR: "proxy.example.test:3080",
};

describe("teleport status", () => {
  it("tells the session that it runs in", () => {
    assert.equal(
      sessionStatus(session),
      [
        "User ID     : alice, logged in as root from 10.0.0.1 40000 3022",
        "Cluster Name: example.test",
        "Host UUID   : 11111111-1111-4111-8111-111111111111",
        "Session ID  : 22222222-2222-4222-8222-222222222222",
        "Session URL : https://proxy.example.test:3080/web/cluster/example.test/node/11111111-1111-4111-8111-111111111111/root/22222222-2222-4222-8222-222222222222",
        "",
      ].join("\n"),
    );
  });

  it("says so outside of a session, and where half of it is missing", () => {
    const outside = "You are not inside of a Teleport SSH session\n";
    assert.equal(sessionStatus({}), outside);
    assert.equal(sessionStatus({ ...session, SSH_SESSION_ID: undefined }), outside);
    assert.equal(sessionStatus({ ...session, SSH_SESSION_WEBPROXY_ADDR: "" }), outside);
  });
});
