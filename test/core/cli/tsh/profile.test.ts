import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { ProfileStore, type Profile } from "../../../../core/cli/tsh/profile.js";
import { tshDirectory } from "../../../../core/cli/tsh/tsh-directory.js";
import { hasCode } from "../../../../core/errors/error.js";
import { temporaryFolder } from "../../../kit/paths.js";

const PROFILE: Profile = {
  web: { host: "proxy.example.com", port: 3080 },
  ssh: { host: "proxy.example.com", port: 3023 },
  user: "alice",
  cluster: "example.com",
};

describe("the profiles of tsh", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let profiles: ProfileStore;

  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    profiles = new ProfileStore(path.join(folder, ".tsh"));
  });
  afterEach(() => remove());

  it("are written as 4.2 writes them", () => {
    profiles.save(PROFILE);
    const file = path.join(profiles.directory, "proxy.example.com.yaml");
    assert.equal(
      readFileSync(file, "utf8"),
      "web_proxy_addr: proxy.example.com:3080\nssh_proxy_addr: proxy.example.com:3023\n" +
        "user: alice\ncluster: example.com\n",
    );
    assert.equal(statSync(profiles.directory).mode & 0o777, 0o700);
    assert.equal(statSync(file).mode & 0o777, 0o660 & ~process.umask());
    assert.equal(readlinkSync(path.join(profiles.directory, "profile")), "proxy.example.com.yaml");
  });

  it("come back as they were saved", () => {
    profiles.save(PROFILE);
    assert.deepEqual(profiles.current(), PROFILE);
    assert.deepEqual(profiles.list(), [PROFILE]);
  });

  it("are found under the name the proxy was reached by, and listed once", () => {
    profiles.save(PROFILE, "alias.example.com");
    assert.deepEqual(profiles.read("alias.example.com"), PROFILE);
    assert.deepEqual(profiles.list(), [PROFILE]);
  });

  it("the last one saved is the current one, until there is none", () => {
    profiles.save(PROFILE);
    const other = { ...PROFILE, web: { host: "other.example.com", port: 443 } };
    profiles.save(other);
    assert.deepEqual(profiles.current(), other);
    profiles.clearCurrent();
    assert.equal(profiles.current(), undefined);
    assert.deepEqual(profiles.read("proxy.example.com"), PROFILE);
  });

  it("a file named profile that is no link is left alone", () => {
    mkdirSync(profiles.directory);
    writeFileSync(path.join(profiles.directory, "profile"), "somebody's");
    assert.throws(() => profiles.current());
    profiles.clearCurrent();
    assert.ok(lstatSync(path.join(profiles.directory, "profile")).isFile());
  });

  it("a link out of the folder is read as a name in it", () => {
    mkdirSync(profiles.directory);
    symlinkSync("/etc/passwd.yaml", path.join(profiles.directory, "profile"));
    assert.equal(profiles.current(), undefined);
  });

  it("host names cannot leave the folder", () => {
    for (const host of ["..", "../x", "a/b", ".hidden"]) {
      assert.throws(
        () => profiles.read(host),
        (error) => hasCode(error, "bad_parameter"),
      );
    }
  });

  it("what cannot be read is an error that says what to do", () => {
    mkdirSync(profiles.directory);
    for (const text of ["[", "web_proxy_addr: [1]", "user: alice"]) {
      writeFileSync(path.join(profiles.directory, "x.yaml"), text);
      assert.throws(() => profiles.read("x"), /log in again/);
    }
  });

  it("lie below TELEPORT_HOME, else HOME", () => {
    assert.equal(tshDirectory({ TELEPORT_HOME: "/t", HOME: "/h" }), "/t");
    assert.equal(tshDirectory({ HOME: "/h" }), "/h/.tsh");
    assert.match(tshDirectory({}), /\/\.tsh$/);
  });
});
