import assert from "node:assert/strict";
import type { ClusterView } from "../../../core/auth/client/view.js";
import { followProxyAddresses } from "../../../core/node/proxy-addresses.js";
import type { Server } from "../../../core/resources/server.js";

describe("proxy addresses", () => {
  const proxy = (addr: string, public_addr?: string): Server => ({
    kind: "proxy",
    version: "v2",
    metadata: { name: "p" },
    spec: { addr, hostname: "p", ...(public_addr === undefined ? {} : { public_addr }) },
  });

  it("follows the registered proxies", async () => {
    let proxies: Server[] = [];
    let changed: () => void = () => undefined;
    const view: Partial<ClusterView> = {
      proxies: () => proxies,
      onChange: (kind, listener) => {
        assert.equal(kind, "proxy");
        changed = listener;
        return () => undefined;
      },
    };
    const isProxy = followProxyAddresses(view as ClusterView);
    assert.equal(isProxy("198.51.100.1:1000"), false);
    assert.equal(isProxy("127.0.0.1:1000"), false);
    assert.equal(isProxy("[::1]:1000"), false);
    proxies = [
      proxy("198.51.100.1:3023", "198.51.100.2:3080"),
      proxy("[2001:db8::1]:3023"),
      proxy("no address at all:x"),
    ];
    changed();
    await new Promise((resolve) => setImmediate(resolve));
    for (const remote of ["198.51.100.1:1000", "198.51.100.2:5", "[2001:db8::1]:7"])
      assert.equal(isProxy(remote), true);
    for (const remote of ["198.51.100.3:1000", "127.0.0.1:1000", "", "x"]) {
      assert.equal(isProxy(remote), false);
    }
    // A proxy of this host may come from any of its addresses.
    proxies = [proxy("127.0.0.1:3023")];
    changed();
    await new Promise((resolve) => setImmediate(resolve));
    for (const remote of ["127.0.0.1:1000", "[::1]:1000"]) assert.equal(isProxy(remote), true);
    assert.equal(isProxy("198.51.100.1:1000"), false);
  });
});
