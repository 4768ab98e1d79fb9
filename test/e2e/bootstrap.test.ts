/** A cluster moves to a new store: `tctl get all` there, `teleport start --bootstrap` here. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { generateEd25519KeyPair } from "../../core/pki/keys.js";
import { sshPublicLine } from "../../core/pki/ssh-key.js";
import { temporaryFolder } from "../kit/paths.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { addUser, callWeb, PASSWORD } from "./kit/users.js";

describe("e2e: teleport start --bootstrap", function () {
  this.timeout(120_000);
  let folder: string;
  let remove: () => Promise<void>;
  before(async () => ({ folder, remove } = await temporaryFolder()));
  after(() => remove());

  const pinOf = async (daemon: Daemon): Promise<string> =>
    /sha256:[0-9a-f]{64}/.exec(await daemon.tctl("status"))?.[0] ?? "no pin";
  const login = async (daemon: Daemon, password: string): Promise<number> => {
    const publicLine = sshPublicLine(generateEd25519KeyPair().publicKey);
    const reply = await callWeb(daemon, "POST", "/v1/webapi/ssh/certs", {
      ...{ user: "alice", password, otp_token: "", hotp_token: "", ttl: 3600_000_000_000 },
      pub_key: Buffer.from(publicLine).toString("base64"),
    });
    return reply.status;
  };

  it("keeps the CA pin and the users' passwords, and is ignored at the next start", async () => {
    const backup = path.join(folder, "backup.yaml");
    const old = await startDaemon();
    let pin: string;
    try {
      await addUser(old, "alice", "root");
      pin = await pinOf(old);
      const parts = [await old.tctl("get", "all"), await old.tctl("get", "roles")];
      writeFileSync(backup, parts.join("---\n"), { mode: 0o600 });
    } finally {
      await old.remove();
    }
    const restored = await startDaemon({}, undefined, ["--bootstrap", backup]);
    try {
      assert.equal(await pinOf(restored), pin);
      assert.equal(await login(restored, PASSWORD), 200);
      assert.equal(await login(restored, "wrong password"), 403);
      await restored.tctl("users", "rm", "alice");
      await restored.stop();
      await restored.restart();
      assert.match(restored.output(), /--bootstrap is ignored/);
      assert.equal(await login(restored, PASSWORD), 403);
    } finally {
      await restored.remove();
    }
  });
});
