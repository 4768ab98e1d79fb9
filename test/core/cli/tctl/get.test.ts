import assert from "node:assert/strict";
import { parse } from "yaml";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import { getResources } from "../../../../core/cli/tctl/get.js";
import { parseReferences } from "../../../../core/cli/tctl/resource-reference.js";
import { startAuth, type AuthFixture } from "../../auth/auth-fixture.js";
import { desk, server } from "./tctl-fixture.js";

const flags = { format: "yaml", namespace: "default" };

describe("tctl get", () => {
  const nodes = [
    server("node", "11111111-1111-4111-8111-111111111111", { hostname: "db1", addr: "10.0.0.5:3022" }),
    {
      ...server("node", "22222222-2222-4222-8222-222222222222", {
        hostname: "db2",
        addr: "x",
        use_tunnel: true,
      }),
      metadata: { name: "22222222-2222-4222-8222-222222222222", labels: { role: "old", env: "prod" } },
    },
  ];
  nodes[1]!.spec.cmd_labels = { role: { period: "1m0s", command: ["/bin/role"], result: "db" } };

  const get = async (api: Partial<AuthApi>, refs: string, more: object = {}): Promise<string> => {
    const world = desk(api);
    await getResources(world, refs, { ...flags, ...more });
    return world.output();
  };

  it("reads references with aliases, spaces and escaped commas", () => {
    assert.deepEqual(parseReferences("Roles,node/a\\,b,user alice"), [
      { kind: "roles", name: undefined },
      { kind: "node", name: "a,b" },
      { kind: "user", name: "alice" },
    ]);
    for (const bad of ["", ",", "a/b/c", "role/x,"]) {
      assert.throws(() => parseReferences(bad), { message: /^unsupported resource: / }, bad);
    }
  });

  it("prints a table of nodes: sorted labels, and no address behind a tunnel", async () => {
    assert.equal(
      await get({ getNodes: async () => nodes }, "nodes", { format: "text" }),
      "Nodename UUID                                 Address       Labels          \n" +
        "-------- ------------------------------------ ------------- ----------------\n" +
        "db1      11111111-1111-4111-8111-111111111111 10.0.0.5:3022                 \n" +
        "db2      22222222-2222-4222-8222-222222222222               env=prod,role=db\n",
    );
  });

  it("finds servers by UUID and by name, and nothing for another name", async () => {
    const api = { getNodes: async () => nodes };
    assert.match(await get(api, "node/db1", { format: "text" }), /db1 {6}1111/);
    assert.match(await get(api, `node/${nodes[1]!.metadata.name}`, { format: "text" }), /db2 {6}2222/);
    await assert.rejects(get(api, "node/db3"), { code: "not_found", message: 'node "db3" is not found' });
  });

  it("prints one object or a list as JSON", async () => {
    const one = await get({ getNodes: async () => nodes }, "node/db1", { format: "json" });
    assert.equal(one, JSON.stringify(nodes[0], undefined, 4));
    const all = await get({ getNodes: async () => nodes }, "node", { format: "json" });
    assert.deepEqual(JSON.parse(all), nodes);
    assert.equal(await get({ getNodes: async () => [] }, "node", { format: "json" }), "[]");
  });

  it("quotes YAML that older readers would take for something else", async () => {
    const tricky = {
      ...nodes[0]!,
      metadata: { name: "yes", labels: { b: "on", a: "0001-01-01T00:00:00Z" } },
    };
    assert.equal(
      await get({ getNodes: async () => [tricky] }, "nodes"),
      'kind: node\nmetadata:\n  labels:\n    a: "0001-01-01T00:00:00Z"\n    b: "on"\n  name: "yes"\n' +
        "spec:\n  addr: 10.0.0.5:3022\n  hostname: db1\nversion: v2\n",
    );
  });

  it("refuses formats, kinds and mixtures that it cannot print", async () => {
    await assert.rejects(get({}, "nodes", { format: "xml" }), {
      message: 'unsupported format "xml", use yaml, json or text',
    });
    await assert.rejects(get({}, "bogus/x"), {
      message: `unsupported resource: "bogus" - resources should be expressed as 'type/name', for example 'role/admin'`,
    });
    await assert.rejects(get({}, "connectors"), { message: "'connectors' is not supported" });
    for (const format of ["json", "text"]) {
      await assert.rejects(get({}, "nodes,proxies", { format }), {
        message: "mixed resource types only support YAML formatting",
      });
    }
  });

  describe("against an auth service", () => {
    let auth: AuthFixture;
    before(async () => (auth = await startAuth()));
    after(() => auth.close());

    it("prints every kind in every format", async () => {
      const kinds = ["users", "roles", "nodes", "proxies", "auth", "cas", "ns", "tokens"];
      const kept = ["clusters", "rc", "rts", "github", "oidc", "saml", "access_requests"];
      for (const kind of [...kinds, ...kept, "cluster_name", "cluster_config", "cap"]) {
        for (const format of ["yaml", "json", "text"]) {
          const text = await get(auth.as("Admin"), kind, { format });
          if (format === "json") JSON.parse(text);
          if (format === "text") assert.match(text, /^\S.*\n-+/, kind);
        }
      }
    });

    it("prints roles and authorities as tables", async () => {
      const roles = await get(auth.as("Admin"), "roles", { format: "text" });
      assert.match(
        roles,
        /\nadmin +\{\{internal\.logins\}\} <all nodes> role:list,create,read,update,delete,auth_connector:/,
      );
      const authorities = await get(auth.as("Admin"), "cas", { format: "text" });
      assert.match(authorities, /\nexample\.test host {4}SHA256:[\w+/]{43} N\/A {5}\n/);
      assert.match(authorities, /\nexample\.test user {4}SHA256:[\w+/]{43} <empty> \n/);
    });

    it("prints private keys only on request, and in `all`", async () => {
      assert.doesNotMatch(await get(auth.as("Admin"), "cas"), /signing_keys|\n\s+key: /);
      assert.match(await get(auth.as("Admin"), "cas", { withSecrets: true }), /signing_keys/);
      const documents = (await get(auth.as("Admin"), "all"))
        .split("---\n")
        .map((text) => parse(text) as object);
      assert.deepEqual(
        documents.map((document) => (document as { kind: string }).kind),
        ["cert_authority", "cert_authority", "role", "role", "role", "role", "cluster_config"],
      );
    });
  });
});
