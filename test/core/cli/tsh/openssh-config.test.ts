import assert from "node:assert/strict";
import { opensshConfig } from "../../../../core/cli/tsh/openssh-config.js";

describe("the configuration for ssh", () => {
  const config = {
    profile: {
      web: { host: "proxy.test", port: 443 },
      ssh: { host: "proxy.test", port: 3023 },
      user: "it's me",
      cluster: "",
    },
    clusters: ["root.test", "leaf.test"],
    knownHosts: "/home/a b/.tsh/openssh_known_hosts",
    key: "/home/a%b/.tsh/key",
    certificate: "/home/a/.tsh/key-cert.pub",
    tsh: "/opt/my programs/tsh",
    home: undefined,
  };

  it("has a block for each cluster, with words that neither ssh nor the shell takes apart", () => {
    const text = opensshConfig(config);
    assert.match(text, /^Host \*\.root\.test$/m);
    assert.match(text, /^Host \*\.leaf\.test$/m);
    assert.match(text, /UserKnownHostsFile "\/home\/a b\/\.tsh\/openssh_known_hosts"/);
    assert.match(text, /IdentityFile "\/home\/a%%b\/\.tsh\/key"/);
    const command =
      "ProxyCommand '/opt/my programs/tsh' proxy ssh --cluster=root.test --proxy=proxy.test:443 " +
      "--user='it'\\''s me' %r@%h:%p";
    assert.ok(text.includes(command), text);
  });

  it("keeps to a folder of logins that is not the usual one", () => {
    assert.match(opensshConfig({ ...config, home: "/ci" }), /ProxyCommand env TELEPORT_HOME=\/ci '\/opt/);
  });

  it("takes no cluster whose name is configuration", () => {
    for (const name of ["x\n    ProxyCommand evil", "a b", "*", ""]) {
      assert.throws(() => opensshConfig({ ...config, clusters: [name] }), /cannot stand in a configuration/);
    }
  });
});
