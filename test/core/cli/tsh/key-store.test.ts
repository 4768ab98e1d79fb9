import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { KeyStore, type StoredKey } from "../../../../core/cli/tsh/key-store.js";
import { temporaryFolder } from "../../../kit/paths.js";

const KEY: StoredKey = {
  privateKeyPem: "private\n",
  publicKeyLine: "public\n",
  certificateLine: "certificate\n",
  tlsCertificatePem: "tls\n",
};
const HOST = "proxy.example.com";

describe("the key store of tsh", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let keys: KeyStore;

  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    keys = new KeyStore(folder);
  });
  afterEach(() => remove());

  it("has the layout and the modes of 4.2", () => {
    keys.save(HOST, "alice", KEY);
    keys.saveAuthorities(HOST, "ca\n");
    const directory = path.join(folder, "keys", HOST);
    const modes = readdirSync(directory)
      .sort()
      .map((name) => [name, statSync(path.join(directory, name)).mode & 0o777]);
    assert.deepEqual(modes, [
      ["alice", 0o600],
      ["alice-cert.pub", 0o600],
      ["alice-x509.pem", 0o600],
      ["alice.pub", 0o600],
      ["certs.pem", 0o640],
    ]);
    for (const part of [path.join(folder, "keys"), directory]) {
      assert.equal(statSync(part).mode & 0o777, 0o700);
    }
    assert.deepEqual(keys.load(HOST, "alice"), KEY);
    assert.equal(keys.loadAuthorities(HOST), "ca\n");
  });

  it("deletes al and leaves alice", () => {
    keys.save(HOST, "al", KEY);
    keys.save(HOST, "alice", KEY);
    assert.equal(keys.delete(HOST, "al"), true);
    assert.equal(keys.load(HOST, "al"), undefined);
    assert.deepEqual(keys.load(HOST, "alice"), KEY);
    assert.equal(keys.delete(HOST, "al"), false);
  });

  it("removes a proxy's folder with the last login, unless somebody keeps files there", () => {
    keys.save(HOST, "alice", KEY);
    keys.saveAuthorities(HOST, "ca\n");
    keys.delete(HOST, "alice");
    assert.equal(existsSync(path.join(folder, "keys", HOST)), false);

    keys.save(HOST, "alice", KEY);
    writeFileSync(path.join(folder, "keys", HOST, "notes.txt"), "mine");
    keys.delete(HOST, "alice");
    assert.deepEqual(readdirSync(path.join(folder, "keys", HOST)), ["notes.txt"]);
  });

  it("lists the logins", () => {
    keys.save(HOST, "alice", KEY);
    keys.save("b.example.com", "bob", KEY);
    assert.deepEqual(keys.logins(), [
      { proxyHost: "b.example.com", user: "bob" },
      { proxyHost: HOST, user: "alice" },
    ]);
  });

  it("takes a key that lacks a part for none", () => {
    keys.save(HOST, "alice", KEY);
    keys.delete(HOST, "alice");
    assert.equal(keys.load(HOST, "alice"), undefined);
  });

  it("user names cannot leave the folder", () => {
    for (const user of ["../alice", "a/b", ".."])
      assert.throws(() => keys.save(HOST, user, KEY), /file name/);
  });
});
