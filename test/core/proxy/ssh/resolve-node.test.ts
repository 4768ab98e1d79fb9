import assert from "node:assert/strict";
import { AMBIGUOUS_NODE, nodeAddress, resolveNode } from "../../../../core/proxy/ssh/resolve-node.js";
import { directTarget } from "../../../../core/proxy/ssh/target.js";
import type { Server } from "../../../../core/resources/server.js";

const ONE = "11111111-1111-4111-8111-111111111111";
const TWO = "22222222-2222-4222-8222-222222222222";

const node = (name: string, hostname: string, addr: string, extra: Partial<Server["spec"]> = {}): Server => ({
  kind: "node",
  version: "v2",
  metadata: { name },
  spec: { addr, hostname, ...extra },
});

const nodes = [
  node(ONE, "node1", "10.0.0.1:3022"),
  node(TWO, "db", "10.0.0.2:22", { public_addr: "db.example.com:22" }),
];
const never = (): Promise<never> => Promise.reject(new Error("must not ask DNS"));
const find = async (
  host: string,
  port = 0,
  list = nodes,
  dns: () => Promise<string[]> = async () => [],
): Promise<string | undefined> =>
  (await resolveNode(directTarget(host, port), list, "example.com", dns))?.metadata.name;

describe("proxy: node resolution", () => {
  it("finds a node by UUID, name, name.cluster, address and public address", async () => {
    assert.equal(await find(ONE, 0, nodes, never), ONE);
    assert.equal(await find(ONE.toUpperCase()), ONE);
    assert.equal(await find("node1"), ONE);
    assert.equal(await find("NODE1"), ONE);
    assert.equal(await find("node1.example.com"), ONE);
    assert.equal(await find(`${ONE}.example.com`), ONE);
    assert.equal(await find("10.0.0.1"), ONE);
    assert.equal(await find("db.example.com"), TWO);
  });

  it("finds a node by each of its public addresses, with its port or the node's", async () => {
    const public_addrs = ["db.example.com:22", "Database.lan:2222", "[2001:db8::1]:22", "not an address:"];
    const list = [
      nodes[0]!,
      node(TWO, "db", "10.0.0.2:3022", { public_addr: public_addrs[0]!, public_addrs }),
    ];
    assert.equal(await find("database.lan", 0, list, never), TWO);
    assert.equal(await find("database.lan", 2222, list, never), TWO);
    assert.equal(await find("database.lan", 3022, list, never), TWO);
    assert.equal(await find("2001:db8::1", 0, list, never), TWO);
    assert.equal(await find("database.lan", 2223, list), undefined);
  });

  it("takes port 22, which OpenSSH asks for by itself, for any port", async () => {
    assert.equal(await find("node1", 22), ONE);
    assert.equal(await find("node1", 3022), ONE);
    assert.equal(await find("node1", 2222), undefined);
  });

  it("finds a node by what DNS says of the name", async () => {
    assert.equal(await find("alias.test", 0, nodes, async () => ["10.0.0.2"]), TWO);
    assert.equal(await find("alias.test", 0, nodes, async () => ["10.0.0.9"]), undefined);
  });

  it("does not ask DNS about an address", async () => {
    assert.equal(await find("10.9.9.9", 0, nodes, never), undefined);
  });

  it("never falls back from a UUID to another node", async () => {
    await assert.rejects(find("33333333-3333-4333-8333-333333333333", 0, nodes, never), {
      code: "not_found",
      message: /unable to locate node matching uuid-like target 3333/,
    });
  });

  it("refuses a name that two nodes have, in the words that tsh knows", async () => {
    const twins = [...nodes, node(TWO, "node1", "10.0.0.3:3022")];
    await assert.rejects(find("node1", 0, twins), { message: AMBIGUOUS_NODE });
    assert.equal(await find("10.0.0.3", 0, twins), TWO);
  });

  it("matches a tunnel node by name only, and says that it is not connected", async () => {
    const tunnel = node(ONE, "edge", "", { use_tunnel: true });
    const found = await resolveNode(directTarget("edge", 9), [tunnel], "example.com", never);
    assert.throws(() => nodeAddress(found!), {
      code: "not_found",
      message: "no reverse tunnel for edge found",
    });
  });
});
