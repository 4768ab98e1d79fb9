import assert from "node:assert/strict";
import { etcdSettings } from "../../../plugins/backend-etcd/settings.js";

describe("plugins/backend-etcd/settings", () => {
  const peers = "https://10.0.0.1:2379";

  it("takes the keys of 4.2, with its defaults", () => {
    const settings = etcdSettings.parse({
      peers: ["https://10.0.0.1:2379", "https://[fd00::1]"],
      prefix: "/teleport/",
      tls_ca_file: "ca.pem",
      dial_timeout: "5s",
    });
    assert.deepEqual(settings.peers, [
      { url: "https://10.0.0.1:2379", host: "10.0.0.1", port: 2379, tls: true },
      { url: "https://[fd00::1]", host: "fd00::1", port: 2379, tls: true },
    ]);
    assert.equal(settings.prefix, "/teleport");
    assert.equal(settings.dialTimeoutMs, 5000);
    const defaults = etcdSettings.parse({ peers });
    assert.equal(defaults.prefix, "/teleport");
    assert.equal(defaults.dialTimeoutMs, 30_000);
    assert.equal(defaults.bufferSize, 1024);
  });

  const refused: [string, object, RegExp][] = [
    ["no peers", {}, /peers/],
    ["an empty list", { peers: [] }, /at least one peer/],
    ["a peer without a scheme", { peers: "10.0.0.1:2379" }, /must be(gin with| a URL)/],
    ["a peer with a path", { peers: "https://h:1/x" }, /host and a port only/],
    ["a peer with a password", { peers: "https://u:p@h:1" }, /password_file/],
    ["a plain peer", { peers: [peers, "http://h:1"] }, /http:\/\/h:1 is not encrypted.*insecure: true/],
    ["a certificate without a key", { peers, tls_cert_file: "c" }, /given together/],
    ["a password without a user", { peers, password_file: "p" }, /given together/],
    ["a user without a password", { peers, username: "u" }, /given together/],
    ["a relative prefix", { peers, prefix: "teleport" }, /must be a path/],
    ["the root as prefix", { peers, prefix: "/" }, /must be a path/],
    ["a prefix that reaches into another one's locks", { peers, prefix: "/a.locks" }, /must be a path/],
    ["a prefix among another one's sessions", { peers, prefix: "/a+sessions" }, /must be a path/],
    ["nanoseconds", { peers, dial_timeout: "30000000000" }, /duration/],
    ["a time-out of nothing", { peers, dial_timeout: "0s" }, /between/],
    ["an unknown key", { peers, peer: "x" }, /peer/],
  ];
  for (const [name, keys, message] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => etcdSettings.parse(keys), message));
  }

  it("takes plain peers with insecure", () => {
    assert.equal(etcdSettings.parse({ peers: "http://h", insecure: true }).peers[0]?.tls, false);
  });
});
