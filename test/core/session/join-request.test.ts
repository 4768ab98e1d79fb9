import assert from "node:assert/strict";
import { readSessionRequest, type SessionRequest } from "../../../core/session/join-request.js";

describe("join request", () => {
  const ID = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";
  const read = (variables: Record<string, string>): SessionRequest =>
    readSessionRequest(new Map(Object.entries(variables)));

  it("reads id and mode", () => {
    assert.deepEqual(read({}), { id: undefined, mode: undefined });
    assert.deepEqual(read({ TELEPORT_SESSION: ID.toUpperCase() }), { id: ID, mode: undefined });
    const variables = { TELEPORT_SESSION: ID, TELEPORT_SESSION_JOIN_MODE: "observer" };
    assert.deepEqual(read(variables), { id: ID, mode: "observer" });
  });

  it("refuses what it cannot do", () => {
    assert.throws(() => read({ TELEPORT_SESSION: "../x" }), /invalid session id/);
    assert.throws(() => read({ TELEPORT_SESSION_JOIN_MODE: "peer" }), /does not say what/);
    for (const mode of ["moderator", "", "Peer"]) {
      const variables = { TELEPORT_SESSION: ID, TELEPORT_SESSION_JOIN_MODE: mode };
      assert.throws(() => read(variables), /moderators|no way to join/);
    }
  });
});
