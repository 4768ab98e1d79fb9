/** A cluster moves to a new store of any kind: `tctl get all` there, `teleport start --bootstrap` here. */
import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { generateEd25519KeyPair } from "../../core/pki/keys.js";
import { sshPublicLine } from "../../core/pki/ssh-key.js";
import { temporaryFolder } from "../kit/paths.js";
import { startDaemon, type Daemon, type Overrides } from "./kit/daemon.js";
import { assertReadableByStock } from "./kit/readable-by-stock.js";
import { STOCK_USERS, stockRows } from "./kit/stock-rows.js";
import { writeStockHost } from "./kit/stock-sqlite.js";
import { STOCK_BACKENDS } from "./kit/stock-stores.js";
import { callWeb, PASSWORD, totp } from "./kit/users.js";

describe("e2e: teleport start --bootstrap", function () {
  this.timeout(120_000);
  let folder: string;
  let remove: () => Promise<void>;
  let backup: string;
  let pin: string;
  /** What `tctl get all` printed of the old cluster. */
  let printed: string;

  const cluster = (storage: object): Overrides => ({
    teleport: { nodename: "mainhost", storage },
    auth_service: {
      cluster_name: "store.test",
      authentication: { type: "local", second_factor: "otp" },
    },
  });
  const pinOf = async (daemon: Daemon): Promise<string> =>
    /sha256:[0-9a-f]{64}/.exec(await daemon.tctl("status"))?.[0] ?? "no pin";
  const logIn = async (daemon: Daemon, password: string, code: string): Promise<number> => {
    const publicLine = sshPublicLine(generateEd25519KeyPair().publicKey);
    const { status } = await callWeb(daemon, "POST", "/v1/webapi/ssh/certs", {
      ...{ user: "alice", password, otp_token: code, hotp_token: "", ttl: 3600_000_000_000 },
      pub_key: Buffer.from(publicLine).toString("base64"),
    });
    return status;
  };

  before(async () => {
    ({ folder, remove } = await temporaryFolder());
    backup = path.join(folder, "backup.yaml");
    const [dir] = STOCK_BACKENDS;
    const old = await startDaemon(cluster({ type: "dir" }), undefined, [], async (dataDir) => {
      writeStockHost(dataDir, "main");
      // Role and user come from 4.2, and with them kinds that are only kept; what is ours is added below.
      await (await dir!.open(undefined as never)).write(dataDir, stockRows());
    });
    try {
      await old.tctl("tokens", "add", "--type=node", "--value=reusable-token", "--ttl=2h");
      await old.tctl("tokens", "add", "--type=node,proxy", "--value=single-use-token", "--single-use");
      await old.tctl("lock", "--user=carl", "--message=gone");
      await old.tctl("users", "rm", "carol");
      pin = await pinOf(old);
      printed = await old.tctl("get", "all", "--with-secrets");
      writeFileSync(backup, printed, { mode: 0o600 });
    } finally {
      await old.remove();
    }
  });
  after(() => remove());

  it("says that its file is secret, and holds what makes the cluster", () => {
    assert.match(printed, /^# Holds private keys, .*chmod 600/);
    assert.match(printed, /single_use: true/);
    assert.match(printed, /name: deleted-user:carol/);
    assert.equal(statSync(backup).mode & 0o777, 0o600);
  });

  for (const backend of STOCK_BACKENDS) {
    it(`restores all of it into ${backend.name}, once`, async function () {
      const store = await backend.open(this);
      let restored: Daemon | undefined;
      try {
        restored = await startDaemon(cluster(store.settings), undefined, ["--bootstrap", backup]);
        assert.equal(await pinOf(restored), pin);
        const documents = (await restored.tctl("get", "all", "--with-secrets")).split("---\n");
        assert.deepEqual(documents, printed.split("---\n"));
        assert.equal(await logIn(restored, PASSWORD, totp(STOCK_USERS.alice)), 200);
        assert.equal(await logIn(restored, "wrong password", totp(STOCK_USERS.alice, 30)), 403);

        await restored.tctl("rm", "user/bob");
        await restored.stop();
        assertReadableByStock(await store.read(restored.dataDir));
        await restored.restart();
        assert.match(restored.output(), /--bootstrap is ignored/);
        assert.doesNotMatch(await restored.tctl("get", "users"), /name: bob/);
      } finally {
        await restored?.remove();
        await store.dispose();
      }
    });
  }
});
