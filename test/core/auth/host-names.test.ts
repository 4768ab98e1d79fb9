import assert from "node:assert/strict";
import { isHostId, sshPrincipals, tlsNames, type HostNames } from "../../../core/auth/host-names.js";

const HOST = "22222222-2222-4222-8222-222222222222";

const host = (rest: Partial<HostNames> = {}): HostNames => ({
  hostId: HOST,
  nodeName: "node1",
  clusterName: "example.test",
  role: "Node",
  principals: [],
  dnsNames: [],
  remoteHost: "192.0.2.7",
  ...rest,
});

describe("the names of a host", () => {
  it("begin with its id in the cluster, and hold every public name once", () => {
    assert.deepEqual(
      sshPrincipals(host({ principals: ["node1", "ssh.example.com", "2001:db8::1", "ssh.example.com"] })),
      [`${HOST}.example.test`, HOST, "node1.example.test", "node1", "ssh.example.com", "2001:db8::1"],
    );
  });

  it("leave out a node name that is empty", () => {
    assert.deepEqual(sshPrincipals(host({ nodeName: "" })), [`${HOST}.example.test`, HOST]);
  });

  it("of a proxy hold the loopback address and the name for Kubernetes", () => {
    const names = sshPrincipals(
      host({ role: "Proxy", principals: ["remote.kube.proxy.teleport.cluster.local"] }),
    );
    assert.deepEqual(names.slice(4), ["remote.kube.proxy.teleport.cluster.local", "127.0.0.1"]);
  });

  it("in TLS are what was asked for, and the API's for those who serve it", () => {
    const asked = { principals: ["node1", "10.0.0.5"], dnsNames: ["web.example.com"] };
    assert.deepEqual(tlsNames(host(asked)), ["node1", "10.0.0.5", "web.example.com"]);
    assert.deepEqual(tlsNames(host({ ...asked, role: "Auth" })), [
      "node1",
      "10.0.0.5",
      "*.teleport.cluster.local",
      "teleport.cluster.local",
      "web.example.com",
    ]);
  });

  it("take the host's own address for an unspecified one, or none", () => {
    const unspecified = { principals: ["0.0.0.0", "::", "[::]"] };
    assert.deepEqual(sshPrincipals(host(unspecified)).slice(4), ["192.0.2.7"]);
    assert.deepEqual(sshPrincipals(host({ ...unspecified, remoteHost: "" })).slice(4), []);
  });

  it("cannot be smuggled in as the node's name", () => {
    for (const nodeName of ["*", "a b", "a,b", "-o"]) {
      assert.throws(() => sshPrincipals(host({ nodeName })), { code: "bad_parameter" });
    }
  });

  it("are made of UUIDs only", () => {
    assert.ok(isHostId(HOST));
    for (const id of ["", "node1", `${HOST}.x`, HOST.slice(1), `${HOST}\n`]) {
      assert.ok(!isHostId(id), JSON.stringify(id));
    }
  });
});
