import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import type { AuthApi, GenerateTokenRequest } from "../../../../core/auth/client/api.js";
import { addJoinToken } from "../../../../core/cli/tctl/join-token.js";
import { listTokens } from "../../../../core/cli/tctl/tokens-ls.js";
import { removeToken } from "../../../../core/cli/tctl/tokens-rm.js";
import { generateRsaKeyPair } from "../../../../core/pki/keys.js";
import { caPin } from "../../../../core/pki/ca-pin.js";
import { createTlsAuthority } from "../../../../core/pki/x509.js";
import { temporaryFolder } from "../../../kit/paths.js";
import { desk, server } from "./tctl-fixture.js";

const flags = { roles: "node", ttl: "30m", format: "text" };

describe("tctl tokens and nodes add", () => {
  let authorities: string;
  let pin: string;
  before(async () => {
    const now = new Date("2026-11-22T12:00:00Z");
    const first = createTlsAuthority("example.test", await generateRsaKeyPair(), now);
    const second = createTlsAuthority("example.test", await generateRsaKeyPair(), now);
    authorities = first + second;
    pin = caPin(first);
  });

  function issuing(given: Partial<AuthApi> = {}) {
    const requests: GenerateTokenRequest[] = [];
    const world = desk({
      getAuthServers: async () => [server("auth_server", "a1", { addr: "10.0.0.1:3025" })],
      getClusterCaCert: async () => authorities,
      generateToken: async (request) => {
        requests.push(request);
        return request.token || "made-up-token";
      },
      ...given,
    });
    return { world, requests };
  }

  it("prints how to join, with the pin of the authority that signs now", async () => {
    const { world, requests } = issuing();
    await addJoinToken(world, { ...flags, roles: "node,Proxy", singleUse: true }, "none");
    assert.equal(
      world.output(),
      `The invite token: made-up-token
This token will expire in 30 minutes

Run this on the new node to join the cluster:

> teleport start \\
   --roles=node,proxy \\
   --token=made-up-token \\
   --ca-pin=${pin} \\
   --auth-server=10.0.0.1:3025

Please note:

  - This invitation token will expire in 30 minutes
  - 10.0.0.1:3025 must be reachable from the new node
`,
    );
    assert.deepEqual(requests, [
      { roles: ["Node", "Proxy"], ttl: 1_800_000_000_000, token: "", single_use: true },
    ]);
  });

  it("has a text of its own for trusted clusters", async () => {
    const { world } = issuing();
    await addJoinToken(world, { ...flags, roles: "trusted_cluster", ttl: "1h" }, "none");
    assert.equal(
      world.output(),
      `The cluster invite token: made-up-token
This token will expire in 60 minutes

Use this token when defining a trusted cluster resource on a remote cluster.
`,
    );
  });

  it("prints a list for scripts, without a newline", async () => {
    const { world } = issuing();
    await addJoinToken(world, { ...flags, format: "json" }, "none");
    assert.equal(world.output(), '["made-up-token"]');
  });

  it("takes a value literally or from a file", async () => {
    const { folder, remove } = await temporaryFolder();
    try {
      const file = path.join(folder, "token");
      await writeFile(file, " from-file \n");
      await chmod(file, 0o600);
      const { world, requests } = issuing();
      await addJoinToken(world, { ...flags, value: file }, "none");
      await addJoinToken(world, { ...flags, value: "literal" }, "none");
      assert.deepEqual(
        requests.map(({ token }) => token),
        ["from-file", "literal"],
      );
    } finally {
      await remove();
    }
  });

  it("makes no token that it could not tell how to use, nor one with bad flags", async () => {
    const nobody = issuing({ getAuthServers: async () => [] });
    await assert.rejects(addJoinToken(nobody.world, flags, "no auth servers"), {
      message: "no auth servers",
    });
    const bad = issuing();
    await assert.rejects(addJoinToken(bad.world, { ...flags, roles: "foo" }, ""), {
      message: "role Foo is not registered",
    });
    await assert.rejects(addJoinToken(bad.world, { ...flags, ttl: "1x" }, ""), { code: "bad_parameter" });
    assert.deepEqual([...nobody.requests, ...bad.requests], []);
  });

  it("lists tokens by expiry, static ones first", async () => {
    const world = desk({
      getTokens: async () => [
        { token: "later", roles: ["Node", "Proxy"], expires: "2026-11-22T13:30:00Z" },
        { token: "sooner", roles: ["Signup"], expires: "2026-11-22T12:59:59.284772636Z" },
        { token: "trust", roles: ["Trusted_cluster"], expires: "1970-01-01T00:00:00Z" },
      ],
    });
    await listTokens(world, "text");
    assert.equal(
      world.output(),
      "Token  Type            Expiry Time (UTC)            \n" +
        "------ --------------- -----------------------------\n" +
        "trust  trusted_cluster never                        \n" +
        "sooner User signup     22 Nov 26 12:59 UTC (59m59s) \n" +
        "later  Node,Proxy      22 Nov 26 13:30 UTC (1h30m0s)\n",
    );
  });

  it("lists tokens as resources for scripts, and says that there are none", async () => {
    const token = { token: "t", roles: ["Node" as const], expires: "1970-01-01T00:00:00Z" };
    const world = desk({ getTokens: async () => [token] });
    await listTokens(world, "json");
    assert.deepEqual(JSON.parse(world.output()), [
      {
        kind: "token",
        version: "v2",
        metadata: { name: "t", expires: token.expires },
        spec: { roles: ["Node"] },
      },
    ]);
    const empty = desk({ getTokens: async () => [] });
    await listTokens(empty, "text");
    assert.equal(empty.output(), "No active tokens found.\n");
  });

  it("deletes a token", async () => {
    const deleted: string[] = [];
    const world = desk({ deleteToken: async (token) => void deleted.push(token) });
    await removeToken(world, "abc");
    assert.deepEqual(deleted, ["abc"]);
    assert.equal(world.output(), "Token abc has been deleted\n");
  });
});
