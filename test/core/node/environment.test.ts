import assert from "node:assert/strict";
import { buildEnvironment, type EnvironmentFacts } from "../../../core/node/environment.js";

describe("environment", () => {
  const facts: EnvironmentFacts = {
    account: { name: "bob", uid: 1000, gid: 1000, home: "/home/bob", shell: "/bin/bash" },
    path: "/bin",
    remoteAddress: "10.1.2.3:5555",
    localAddress: "10.0.0.1:3022",
    user: "alice",
    clusterName: "example",
    hostId: "uuid",
    proxyAddress: undefined,
    requested: new Map(),
    userFile: new Map(),
  };

  it("names login, addresses, cluster and cluster user", () => {
    assert.deepEqual(Object.fromEntries(buildEnvironment(facts)), {
      LANG: "en_US.UTF-8",
      HOME: "/home/bob",
      USER: "bob",
      LOGNAME: "bob",
      SHELL: "/bin/bash",
      PATH: "/bin",
      SSH_CLIENT: "10.1.2.3 5555 3022",
      SSH_CONNECTION: "10.1.2.3 5555 10.0.0.1 3022",
      SSH_SESSION_WEBPROXY_ADDR: "<proxyhost>:3080",
      SSH_TELEPORT_HOST_UUID: "uuid",
      SSH_TELEPORT_CLUSTER_NAME: "example",
      SSH_TELEPORT_USER: "alice",
    });
  });

  it("adds what a terminal and an agent bring", () => {
    const environment = buildEnvironment({
      ...facts,
      terminalType: "xterm-256color",
      sessionId: "sid",
      agentSocket: "/tmp/a.socket",
      proxyAddress: "proxy:3080",
    });
    assert.equal(environment.get("TERM"), "xterm-256color");
    assert.equal(environment.get("SSH_SESSION_ID"), "sid");
    assert.equal(environment.get("SSH_AUTH_SOCK"), "/tmp/a.socket");
    assert.equal(environment.get("SSH_SESSION_WEBPROXY_ADDR"), "proxy:3080");
  });

  it("lets the client change defaults but never what names the session", () => {
    const requested = new Map([
      ["LANG", "C"],
      ["SSH_TELEPORT_USER", "root"],
      ["SSH_NEW", "1"],
      ["UID", "0"],
    ]);
    const environment = buildEnvironment({ ...facts, requested, userFile: new Map([["EDITOR", "ed"]]) });
    assert.equal(environment.get("LANG"), "C");
    assert.equal(environment.get("EDITOR"), "ed");
    assert.equal(environment.get("SSH_TELEPORT_USER"), "alice");
    assert.equal(environment.has("SSH_NEW"), false);
    assert.equal(environment.has("UID"), false);
  });

  it("tells IPv6 addresses without brackets and takes a missing local address", () => {
    const environment = buildEnvironment({ ...facts, remoteAddress: "[::1]:7", localAddress: "" });
    assert.equal(environment.get("SSH_CONNECTION"), "::1 7 0.0.0.0 0");
  });
});
