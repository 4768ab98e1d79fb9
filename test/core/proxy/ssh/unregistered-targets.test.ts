import assert from "node:assert/strict";
import { directTarget } from "../../../../core/proxy/ssh/target.js";
import { isListedTarget } from "../../../../core/proxy/ssh/unregistered-targets.js";

const listed = (pattern: string, host: string, port: number): boolean =>
  isListedTarget([pattern], directTarget(host, port));

describe("proxy: unregistered targets", () => {
  it("lists exact hosts and ports", () => {
    assert.ok(listed("gw.example.com:22", "gw.example.com", 22));
    assert.ok(listed("GW.example.com:22", "gw.EXAMPLE.com", 22));
    assert.ok(!listed("gw.example.com:22", "gw.example.com", 23));
    assert.ok(!listed("gw.example.com:22", "gwxexample.com", 22));
    assert.ok(!listed("gw.example.com:22", "gw.example.com.evil.org", 22));
  });

  it("takes stars for host and port", () => {
    assert.ok(listed("*.example.com:22", "a.example.com", 22));
    assert.ok(!listed("*.example.com:22", "example.com", 22));
    assert.ok(listed("10.0.0.*:*", "10.0.0.7", 2222));
    assert.ok(listed("[::1]:22", "::1", 22));
  });

  it("does not let a name pass for an address", () => {
    assert.ok(!listed("10.*:22", "10.evil.example", 22));
  });

  it("lists nothing for patterns without a port", () => {
    assert.ok(!listed("gw.example.com", "gw.example.com", 22));
    assert.ok(!isListedTarget([], directTarget("a", 22)));
  });
});
