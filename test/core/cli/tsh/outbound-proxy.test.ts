import assert from "node:assert/strict";
import { outboundProxy } from "../../../../core/cli/tsh/outbound-proxy.js";
import { formatAddress, parseAddress } from "../../../../core/grammar/address.js";

describe("the HTTP proxy of the environment", () => {
  const target = parseAddress("proxy.example.com:3080", 0);
  const chosen = (env: Record<string, string>, to = target): string | undefined => {
    const proxy = outboundProxy(to, env);
    return proxy && `${proxy.secure ? "https" : "http"} ${formatAddress(proxy.address)}`;
  };

  it("HTTPS_PROXY goes before HTTP_PROXY and that before ALL_PROXY; capitals before small letters", () => {
    assert.equal(chosen({}), undefined);
    assert.equal(chosen({ all_proxy: "http://c:3", HTTP_PROXY: "http://b:2" }), "http b:2");
    assert.equal(chosen({ https_proxy: "http://a:1", HTTP_PROXY: "http://b:2" }), "http a:1");
    assert.equal(chosen({ https_proxy: "http://a:1", HTTPS_PROXY: "d:4" }), "http d:4");
    assert.equal(chosen({ HTTPS_PROXY: "" }), undefined);
  });

  it("knows the default ports, encrypted proxies and IPv6", () => {
    assert.equal(chosen({ HTTPS_PROXY: "http://a" }), "http a:80");
    assert.equal(chosen({ HTTPS_PROXY: "https://a" }), "https a:443");
    assert.equal(chosen({ HTTPS_PROXY: "http://[::1]:8080" }), "http [::1]:8080");
  });

  it("decodes the credentials", () => {
    const proxy = outboundProxy(target, { HTTPS_PROXY: "http://me:p%40ss%3A@a:1" });
    assert.equal(proxy?.authorization, `Basic ${Buffer.from("me:p@ss:").toString("base64")}`);
    assert.equal(outboundProxy(target, { HTTPS_PROXY: "http://a:1" })?.authorization, undefined);
  });

  const noProxy: [pattern: string, address: string, direct: boolean][] = [
    ["*", "x.test:1", true],
    ["example.com", "proxy.example.com:3080", true],
    [".example.com", "proxy.example.com:3080", true],
    ["*.example.com", "proxy.example.com:3080", true],
    ["EXAMPLE.com", "proxy.example.com:3080", true],
    ["ample.com", "proxy.example.com:3080", false],
    ["other.test, example.com:3080", "proxy.example.com:3080", true],
    ["example.com:443", "proxy.example.com:3080", false],
    ["192.0.2.7", "192.0.2.7:1", true],
    ["192.0.2.0/24", "192.0.2.7:1", true],
    ["192.0.2.0/99", "192.0.2.7:1", false],
    ["192.0.3.0/24", "192.0.2.7:1", false],
    ["fd00::/8", "[fd00::1]:1", true],
    ["[fd00::1]:1", "[fd00::1]:1", true],
    ["", "localhost:3080", true],
    ["", "127.8.8.8:3080", true],
    ["", "[::1]:3080", true],
  ];
  for (const [pattern, address, direct] of noProxy) {
    it(`NO_PROXY=${pattern} ${direct ? "exempts" : "does not exempt"} ${address}`, () => {
      const env = { HTTPS_PROXY: "http://a:1", NO_PROXY: pattern };
      assert.equal(chosen(env, parseAddress(address, 0)), direct ? undefined : "http a:1");
    });
  }

  it("names the variable, and never its value, where it cannot be used", () => {
    for (const value of [
      "socks5://me:secret@a:1",
      "http://me:secret@",
      "http://me:%zzsecret@a:1",
      "ht tp:secret",
    ]) {
      assert.throws(
        () => outboundProxy(target, { HTTPS_PROXY: value }),
        ({ message }: Error) => message.includes("HTTPS_PROXY") && !message.includes("secret"),
        value,
      );
    }
  });
});
