import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { KnownHosts } from "../../../../core/cli/tsh/known-hosts.js";
import { generateEd25519KeyPair } from "../../../../core/pki/keys.js";
import { formatKeyLine, sshPublicBlob } from "../../../../core/pki/ssh-key.js";
import { temporaryFolder } from "../../../kit/paths.js";

const key = (): Buffer => sshPublicBlob(generateEd25519KeyPair().publicKey);

describe("the known hosts of tsh", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let known: KnownHosts;
  let file: string;

  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    known = new KnownHosts(folder);
    file = path.join(folder, "known_hosts");
  });
  afterEach(() => remove());

  it("are lines of cluster and key, readable for the group", () => {
    const authority = key();
    known.saveAuthorities([{ cluster: "example.com", keys: [authority] }]);
    assert.equal(readFileSync(file, "utf8"), `example.com ${formatKeyLine(authority)}`);
    assert.equal(statSync(file).mode & 0o777, 0o640 & ~process.umask());
  });

  it("replace the authorities of a cluster and keep every other line", () => {
    const [first, second, leaf] = [key(), key(), key()];
    writeFileSync(file, "# mine\nhashed|line\n");
    known.saveAuthorities([
      { cluster: "example.com", keys: [first] },
      { cluster: "leaf.example.com", keys: [leaf] },
    ]);
    known.saveAuthorities([{ cluster: "example.com", keys: [second] }]);
    assert.deepEqual(known.authorities("example.com"), [second]);
    assert.deepEqual(known.authorities("leaf.example.com"), [leaf]);
    assert.match(readFileSync(file, "utf8"), /^# mine\nhashed\|line\n/);
  });

  it("never take a trusted host for an authority, even under a cluster's name", () => {
    const host = key();
    known.trustKey("example.com", host);
    assert.deepEqual(known.authorities("example.com"), []);
    assert.deepEqual(known.trustedKeys("example.com"), [host]);
    known.saveAuthorities([{ cluster: "example.com", keys: [] }]);
    assert.deepEqual(known.trustedKeys("example.com"), [host]);
  });
});
