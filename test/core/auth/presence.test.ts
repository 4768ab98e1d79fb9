import assert from "node:assert/strict";
import { keys } from "../../../core/resources/keys.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";

const HOST = "22222222-2222-4222-8222-222222222222";
const MINUTE = 60_000;

describe("presence", () => {
  let auth: AuthFixture;

  beforeEach(async () => {
    auth = await startAuth();
  });
  afterEach(() => auth.close());

  const server = (addr = "10.0.0.5:3022", expires?: string) => ({
    kind: "node" as const,
    version: "v2",
    metadata: { name: HOST, ...(expires === undefined ? {} : { expires }) },
    spec: { addr, hostname: "node1" },
  });
  const nodes = () => auth.as("Admin").getNodes("default");
  const node = () => auth.as("Node", HOST);
  const minutesAhead = (minutes: number): Date => new Date(auth.clock.now().getTime() + minutes * MINUTE);
  async function* keepAlive(expires?: Date) {
    yield { serverName: HOST, namespace: "default", leaseId: 0, expires };
  }

  it("lasts ten minutes, or as long as it is kept alive", async () => {
    assert.deepEqual(await node().upsertNode(server()), {
      serverName: HOST,
      namespace: "default",
      leaseId: 0,
    });
    auth.clock.advance(9 * MINUTE);
    await node().keepAliveNode(keepAlive(minutesAhead(10)));
    auth.clock.advance(9 * MINUTE);
    assert.deepEqual((await nodes())[0]?.metadata.expires, "2026-11-22T12:19:00Z");
    auth.clock.advance(MINUTE);
    assert.deepEqual(await nodes(), []);
    await assert.rejects(node().keepAliveNode(keepAlive(minutesAhead(10))), {
      code: "not_found",
      message: `node ${HOST} is not found`,
    });
  });

  it("is written with both expiry times", async () => {
    await node().upsertNode(server());
    const { value, expires } = await auth.storage.get(keys.node("default", HOST));
    assert.deepEqual(expires, minutesAhead(10));
    assert.match(Buffer.from(value).toString(), /"expires":"2026-11-22T12:10:00Z"/);
  });

  it("cannot be claimed for years", async () => {
    await node().upsertNode(server("10.0.0.5:3022", "2036-01-01T00:00:00Z"));
    assert.equal((await nodes())[0]?.metadata.expires, "2026-11-22T13:00:00Z");
    await node().keepAliveNode(keepAlive(new Date("2036-01-01T00:00:00Z")));
    assert.equal((await nodes())[0]?.metadata.expires, "2026-11-22T13:00:00Z");
  });

  for (const [addr, stored] of [
    ["0.0.0.0:3022", "10.0.0.9:3022"],
    ["[::]:3022", "10.0.0.9:3022"],
    [":3022", "10.0.0.9:3022"],
    ["10.0.0.5:3022", "10.0.0.5:3022"],
    ["", ""],
  ] as const) {
    it(`of a host at ${JSON.stringify(addr)} is stored as ${JSON.stringify(stored)}`, async () => {
      await node().upsertNode(server(addr));
      assert.equal((await nodes())[0]?.spec.addr, stored);
    });
  }

  it("of a proxy that announces itself as a node is a proxy's", async () => {
    await auth.as("Proxy", HOST).upsertProxy(server());
    assert.equal((await auth.as("Admin").getProxies())[0]?.kind, "proxy");
    await auth.as("Proxy", HOST).deleteProxy(HOST);
    assert.deepEqual(await auth.as("Admin").getProxies(), []);
  });

  it("of the auth server has an address that proxies can dial", async () => {
    await auth.server.announce("10.0.0.1:3025");
    const [server] = await auth.as("Proxy").getAuthServers();
    assert.equal(server?.spec.addr, "10.0.0.1:3025");
    assert.equal(server?.spec.hostname, "authhost");
  });
});
