import assert from "node:assert/strict";
import { advertisedAddresses } from "../../../../core/cli/tsh/ping-addresses.js";
import { parseProxyFlag, proxyAddresses } from "../../../../core/cli/tsh/proxy-address.js";
import type { PingReply } from "../../../../core/cli/tsh/web-replies.js";
import { formatAddress, type Address } from "../../../../core/grammar/address.js";

const PING: PingReply = {
  authType: "local",
  secondFactor: "off",
  sshListenAddress: "",
  publicAddress: "",
  sshPublicAddress: "",
  minClientVersion: "",
};

const show = ({ web, ssh }: { web: Address; ssh: Address }): string[] => [
  formatAddress(web),
  formatAddress(ssh),
];

describe("the addresses of a proxy", () => {
  const flags: [string, string[]][] = [
    ["p", ["p:3080", "p:3023"]],
    ["P.Example.com", ["p.example.com:3080", "p.example.com:3023"]],
    ["p:443", ["p:443", "p:3023"]],
    ["p:443,22", ["p:443", "p:22"]],
    ["p:,22", ["p:3080", "p:22"]],
    ["https://p:443/", ["p:443", "p:3023"]],
    ["[::1]:443", ["[::1]:443", "[::1]:3023"]],
  ];
  for (const [flag, expected] of flags) {
    it(`--proxy=${flag}`, () => assert.deepEqual(show(proxyAddresses(parseProxyFlag(flag))), expected));
  }

  for (const flag of ["", ":443", "p:x", "p,x", "p:1,2,3", "p:443,0", "p:443,70000", "a b"]) {
    it(`--proxy='${flag}' is refused`, () => assert.throws(() => parseProxyFlag(flag)));
  }

  const pings: [string, string, Partial<PingReply>, string[]][] = [
    ["nothing said", "p", {}, ["p:3080", "p:3023"]],
    ["only the listener's port counts", "p:443", { sshListenAddress: "0.0.0.0:33" }, ["p:443", "p:33"]],
    ["a listener without a host", "p", { sshListenAddress: ":33" }, ["p:3080", "p:33"]],
    ["the public address", "p:1", { publicAddress: "q:443", sshListenAddress: ":33" }, ["q:443", "q:33"]],
    ["the public address without a port", "p:1", { publicAddress: "q" }, ["q:3080", "q:3023"]],
    ["the public SSH address", "p", { sshPublicAddress: "s" }, ["p:3080", "s:3023"]],
    ["a port that the user named", "p:,22", { sshListenAddress: ":33" }, ["p:3080", "p:22"]],
  ];
  for (const [name, flag, ping, expected] of pings) {
    it(`after a ping: ${name}`, () => {
      assert.deepEqual(show(advertisedAddresses(parseProxyFlag(flag), { ...PING, ...ping })), expected);
    });
  }
});
