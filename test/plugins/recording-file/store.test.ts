import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { hasCode } from "../../../core/errors/error.js";
import { createFileStore } from "../../../plugins/recording-file/store.js";
import { temporaryFolder } from "../../kit/paths.js";

async function* bytes(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("the recording file store", () => {
  let folder: string;
  let remove: () => Promise<void>;
  const sid = randomUUID();
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  it("stores an archive as <sid>.tar (0640) and tells its digest, size and URL", async () => {
    const store = createFileStore(join(folder, "deep", "records"));
    const stored = await store.upload(sid, bytes("abc", "def"));
    const path = join(folder, "deep", "records", `${sid}.tar`);
    assert.deepEqual(stored, {
      url: pathToFileURL(path).href,
      sizeBytes: 6,
      sha256: createHash("sha256").update("abcdef").digest("hex"),
    });
    assert.equal(await readFile(path, "utf8"), "abcdef");
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await store.stat(sid), stored);
    assert.equal(await collect(store.download(sid)), "abcdef");
  });

  it("keeps the earlier archive when a later upload breaks off, and leaves no rest of it", async () => {
    const store = createFileStore(folder);
    await store.upload(sid, bytes("complete"));
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw new Error("the sender went away");
    };
    await assert.rejects(store.upload(sid, broken()), /the sender went away/);
    assert.equal(await collect(store.download(sid)), "complete");
    assert.deepEqual(await readdir(folder), [`${sid}.tar`]);
  });

  it("replaces an archive whole", async () => {
    const store = createFileStore(folder);
    await store.upload(sid, bytes("a longer first archive"));
    await store.upload(sid, bytes("second"));
    assert.equal(await collect(store.download(sid)), "second");
  });

  it("refuses ids that are no UUID, so that no path leaves the directory", async () => {
    const store = createFileStore(folder);
    for (const id of [
      "../../etc/passwd",
      "..",
      "",
      `${sid}/../x`,
      `${sid}\0`,
      sid.toUpperCase().replace(/\d/g, "A"),
    ]) {
      await assert.rejects(store.upload(id, bytes("x")), (error) => hasCode(error, "bad_parameter"), id);
      await assert.rejects(store.stat(id), (error) => hasCode(error, "bad_parameter"), id);
      await assert.rejects(collect(store.download(id)), (error) => hasCode(error, "bad_parameter"), id);
    }
    assert.deepEqual(await readdir(folder), []);
  });

  it("says not_found for an absent recording only", async () => {
    const store = createFileStore(folder);
    await assert.rejects(store.stat(sid), (error) => hasCode(error, "not_found"));
    await mkdir(join(folder, `${sid}.tar`));
    await assert.rejects(store.stat(sid), (error) => hasCode(error, "unavailable"));
  });

  it("reports a directory that cannot be used, at start", async () => {
    await writeFile(join(folder, "file"), "");
    await assert.rejects(createFileStore(join(folder, "file", "records")).start(), (error: Error) => {
      assert.ok(hasCode(error, "unavailable"));
      assert.match(error.message, /cannot use the recording directory .*records/);
      return true;
    });
    await symlink("/dev/full", join(folder, "link"));
    await assert.rejects(createFileStore(join(folder, "link")).start());
  });

  it("removes abandoned uploads at start and leaves fresh ones, which may be another process's", async () => {
    const old = join(folder, `${sid}.tar.0123456789ab.partial`);
    const fresh = join(folder, `${sid}.tar.ba9876543210.partial`);
    await writeFile(old, "x");
    await writeFile(fresh, "x");
    await utimes(old, new Date(0), new Date(0));
    await createFileStore(folder).start();
    assert.deepEqual(await readdir(folder), [`${sid}.tar.ba9876543210.partial`]);
  });
});
