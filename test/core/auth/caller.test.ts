import assert from "node:assert/strict";
import { callerFromTls, type TlsPeer } from "../../../core/auth/caller.js";
import type { AuthorityType } from "../../../core/resources/authority.js";

const HOST = "22222222-2222-4222-8222-222222222222";
const connection = { localCluster: "example.test", remoteAddress: "10.0.0.1:5" };

const peer = (
  type: AuthorityType,
  username: string,
  roles: string[],
  rest: Partial<TlsPeer["identity"]> = {},
): TlsPeer => ({
  identity: {
    username,
    roles,
    issuerCluster: "example.test",
    notBefore: new Date("2026-11-22T11:59:00Z"),
    expires: new Date("2026-11-22T13:00:00Z"),
    serial: "01",
    ...rest,
  },
  authority: { type, clusterName: "example.test" },
});

const refused = (forged: TlsPeer): void =>
  assert.throws(() => callerFromTls(forged, connection), { code: "access_denied" });

describe("callers", () => {
  it("without a certificate are nobody", () => {
    assert.deepEqual(callerFromTls(undefined, connection), {
      kind: "anonymous",
      remoteAddress: "10.0.0.1:5",
    });
  });

  it("with a host certificate are that host", () => {
    assert.deepEqual(callerFromTls(peer("host", `${HOST}.example.test`, ["Node"]), connection), {
      kind: "system",
      role: "Node",
      hostId: HOST,
      clusterName: "example.test",
      remoteAddress: "10.0.0.1:5",
    });
  });

  it("with a user certificate are that user, with the roles and traits it carries", () => {
    const traits = { logins: ["root"] };
    assert.deepEqual(callerFromTls(peer("user", "alice", ["admin", "dev"], { traits }), connection), {
      kind: "user",
      username: "alice",
      roles: ["admin", "dev"],
      traits,
      issuedAt: new Date("2026-11-22T11:59:00Z"),
      expires: new Date("2026-11-22T13:00:00Z"),
      remoteAddress: "10.0.0.1:5",
    });
  });

  for (const role of ["Admin", "ADMIN", "aDmin", "Node", "node", "proxy", "Auth", "nop", "trusted_cluster"]) {
    it(`are refused where a user certificate carries ${role}`, () => {
      refused(peer("user", "mallory", [role]));
      refused(peer("user", `${HOST}.example.test`, ["admin", role]));
    });
  }

  for (const roles of [["admin"], ["dev"], ["Node", "Proxy"], ["node"], []]) {
    it(`are refused where a host certificate carries [${roles.join(", ")}]`, () => {
      refused(peer("host", `${HOST}.example.test`, roles));
    });
  }

  it("are refused where a host certificate does not name a host of this cluster", () => {
    for (const name of [HOST, `${HOST}.other.test`, `a.b.example.test`, ".example.test", "example.test"]) {
      refused(peer("host", name, ["Node"]));
    }
  });

  it("of other clusters, or whose certificate claims another issuer, are refused", () => {
    const remote = peer("user", "alice", ["admin"], { issuerCluster: "leaf.test" });
    refused({ ...remote, authority: { type: "user", clusterName: "leaf.test" } });
    refused(remote);
    refused({ ...peer("user", "alice", ["admin"]), authority: { type: "user", clusterName: "leaf.test" } });
  });

  it("with a certificate for another use are refused", () => {
    refused(peer("user", "alice", ["admin"], { usage: ["usage:kube"] }));
  });
});
