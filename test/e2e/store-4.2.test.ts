/** The stores of a stock 4.2 cluster, opened in place: its cluster goes on as if nothing had happened. */
import assert from "node:assert/strict";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import { caPin } from "../../core/pki/ca-pin.js";
import { generateEd25519KeyPair } from "../../core/pki/keys.js";
import { sshPublicLine } from "../../core/pki/ssh-key.js";
import type { CertAuthority } from "../../core/resources/authority.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { startNode } from "./kit/node.js";
import { needProgram, succeed } from "./kit/programs.js";
import { assertReadableByStock } from "./kit/readable-by-stock.js";
import { STOCK_HOSTS, STOCK_USERS, stockProcessRows, stockRows, type StockRow } from "./kit/stock-rows.js";
import { readStockDatabase, writeStockHost } from "./kit/stock-sqlite.js";
import { STOCK_BACKENDS, type StockStore } from "./kit/stock-stores.js";
import { callWeb, PASSWORD, sshClient, totp } from "./kit/users.js";

/** What our daemon may write anew, or lets expire; nothing else of the old store may change by a bit. */
const LIVING = [
  /^\/(nodes|proxies|authservers|tunnelConnections|tokens)\//,
  /^\/(authentication|cluster_configuration)\/(preference\/)?(general|static_tokens)$/,
  /^\/web\/users\/[^/]+\/(attempts|sessions|used_totp|u2fsignchallenge)/,
  /^\/web\/users\/bob\/params$/,
  /^\/adduseru2fchallenges\//,
];

for (const backend of STOCK_BACKENDS) {
  describe(`e2e: a 4.2 store in ${backend.name}, opened in place`, function () {
    this.timeout(120_000);
    const rows = stockRows();
    const authority = (type: string): CertAuthority =>
      JSON.parse(
        rows.find(({ key }) => key === `/authorities/${type}/store.test`)!.value.toString(),
      ) as CertAuthority;
    let store: StockStore;
    let daemon: Daemon;
    before(async function () {
      needProgram(this, "ssh");
      store = await backend.open(this);
      daemon = await startDaemon(
        {
          teleport: { nodename: "mainhost", storage: store.settings },
          auth_service: {
            cluster_name: "store.test",
            authentication: { type: "local", second_factor: "otp" },
          },
        },
        undefined,
        [],
        (dataDir) => {
          writeStockHost(dataDir, "main");
          return store.write(dataDir, rows);
        },
      );
    });
    after(async () => {
      await daemon?.remove();
      await store?.dispose();
    });

    const logIn = async (user: string, code: string): Promise<{ status: number; certificate: string }> => {
      const { status, body } = await callWeb(daemon, "POST", "/v1/webapi/ssh/certs", {
        ...{ user, password: PASSWORD, otp_token: code, hotp_token: "", ttl: 3600_000_000_000 },
        pub_key: Buffer.from(sshPublicLine(generateEd25519KeyPair().publicKey)).toString("base64"),
      });
      return { status, certificate: String(body["cert"]) };
    };

    it("has the CA pin that it had", async () => {
      const [pair] = authority("host").spec.tls_key_pairs!;
      const pin = caPin(Buffer.from(pair!.cert!, "base64").toString());
      assert.match(await daemon.tctl("status"), new RegExp(pin));
    });

    it("lets users in with their passwords and devices, each code once", async () => {
      for (const [user, secret] of Object.entries(STOCK_USERS)) {
        const code = totp(secret);
        assert.equal((await logIn(user, code)).status, 200, user);
        assert.equal((await logIn(user, code)).status, 403, user);
      }
    });

    // The way of a node is the same over every backend.
    const nodeTest = backend.name === "dir" ? it : () => undefined;
    nodeTest("takes its nodes with the certificates they have, without a token", async () => {
      const node = await startNode(daemon, {
        name: "iothost",
        labels: {},
        prepare: (dataDir) => writeStockHost(dataDir, "node"),
      });
      try {
        const { args, jump } = await sshClient(daemon, "alice", "root");
        // 4.2 certifies a host for its name and UUID, but with the cluster's name only for the UUID.
        for (const host of Object.values(STOCK_HOSTS)) {
          const said = await succeed("ssh", [...args, "-J", jump, `root@${host}.store.test`, "echo here"]);
          assert.equal(said, "here\n");
        }
      } finally {
        await node.stop();
      }
      const identity = ({ key }: StockRow): boolean => key === "/ids/node/current";
      assert.deepEqual(
        readStockDatabase(path.join(node.dataDir, "proc")).find(identity)?.value,
        stockProcessRows("node").find(identity)?.value,
      );
    });

    it("is shown whole by tctl get all --with-secrets", async () => {
      const text = await daemon.tctl("get", "all", "--with-secrets");
      const shown = [...parseAllDocuments(text)].map((document) => {
        const { kind, metadata } = document.toJS() as { kind: string; metadata: { name: string } };
        return `${kind}/${metadata.name}`;
      });
      for (const name of [
        ...["cert_authority/store.test", "cert_authority/leaf.test", "role/admin", "role/dev"],
        ...["user/alice", "user/bob", "user/carol", "user/carl", "remote_cluster/leaf.test"],
        ...["github/github", "oidc/google", "saml/okta", "cluster_config/cluster-config"],
        "access_request/46274fb5-ed42-4dcf-8a36-e54c8a862e4a",
      ]) {
        assert.ok(shown.includes(name), name);
      }
      for (const secret of [STOCK_USERS.alice, "oidcsecret", "csecret", "u2f_registration", "signing_keys"]) {
        assert.match(text, new RegExp(secret));
      }
    });

    it("is left whole, and such that 4.2 can be started on it again", async () => {
      await daemon.tctl("tokens", "add", "--type=node");
      await daemon.tctl("users", "add", "dora", "root");
      await daemon.tctl("lock", "--user=carl", "--ttl=1h");
      assert.equal(await daemon.stop(), 0);
      const left = await store.read(daemon.dataDir);
      assertReadableByStock(left);
      const kept = rows.filter(({ key }) => !LIVING.some((pattern) => pattern.test(key)));
      assert.ok(kept.length > 25, "the test looks at nothing");
      for (const { key, value } of kept) {
        assert.equal(left.find((row) => row.key === key)?.value.toString(), value.toString(), key);
      }
      const bob = left.find(({ key }) => key === "/web/users/bob/used_totp");
      assert.match(bob?.value.toString() ?? "none", /^\d{6}$/);
      const processRows = readStockDatabase(path.join(daemon.dataDir, "proc"));
      for (const { key, value } of stockProcessRows("main").filter((row) => row.key.startsWith("/states/"))) {
        assert.equal(processRows.find((row) => row.key === key)?.value.toString(), value.toString(), key);
      }
    });
  });
}
