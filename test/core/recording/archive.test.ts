import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../../core/errors/error.js";
import { openArchive } from "../../../core/recording/archive.js";
import { readUstar } from "../../../core/recording/ustar.js";
import { fixture, temporaryFolder } from "../../kit/paths.js";
import { collect, inPieces, recordShort, tarList } from "./recorded.js";

const SAMPLE = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";

describe("recording archives", () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  it("packs 4.2's sample files into the very bytes that 4.2 sent", async () => {
    const sample = await readFile(fixture("recording", "session-recording.tar"));
    for await (const { name, modified, content } of readUstar(inPieces(sample, 100))) {
      await writeFile(join(folder, name), await collect(content));
      await utimes(join(folder, name), modified, modified);
    }
    const archive = await openArchive(folder, SAMPLE);
    const packed = await collect(archive.stream());
    assert.equal(archive.sizeBytes, packed.length);
    assert.ok(packed.equals(sample.subarray(0, packed.length)));
    assert.ok(sample.subarray(packed.length).every((byte) => byte === 0));
  });

  it("is read by GNU tar, members in order", async () => {
    const sid = await recordShort(folder);
    const path = join(folder, "out.tar");
    await writeFile(path, await collect((await openArchive(folder, sid)).stream()));
    const lines = tarList(path).trim().split("\n");
    assert.deepEqual(
      lines.map((line) => line.split(/\s+/).at(-1)),
      [`${sid}.index`, `${sid}-0.events.gz`, `${sid}-0.chunks.gz`],
    );
    for (const line of lines) assert.match(line, /^-rw-r----- root\/root /);
  });

  it("reads what GNU tar packs", async () => {
    const sid = await recordShort(folder);
    const path = join(folder, "in.tar");
    execFileSync("tar", ["-C", folder, "--format=ustar", "-cf", path, `${sid}.index`, `${sid}-0.events.gz`]);
    const names: string[] = [];
    for await (const { name, content } of readUstar(inPieces(await readFile(path), 333))) {
      assert.ok((await collect(content)).equals(await readFile(join(folder, name))));
      names.push(name);
    }
    assert.deepEqual(names, [`${sid}.index`, `${sid}-0.events.gz`]);
  });

  it("refuses links, long names and damage at the header", async () => {
    const sid = await recordShort(folder);
    const path = join(folder, "hostile.tar");
    execFileSync("ln", ["-s", "/etc/passwd", join(folder, "link")]);
    const long = "n".repeat(150);
    await writeFile(join(folder, long), "x");
    for (const [format, name] of [
      ["ustar", "link"],
      ["pax", long],
      ["gnu", long],
    ] as const) {
      execFileSync("tar", ["-C", folder, `--format=${format}`, "-cf", path, name]);
      await assert.rejects(readAll(await readFile(path)), (error) => hasCode(error, "bad_parameter"), format);
    }
    const packed = await collect((await openArchive(folder, sid)).stream());
    for (const position of [0, 130, 150, 300]) {
      const damaged = Buffer.from(packed);
      damaged[position] = (damaged[position] ?? 0) ^ 1;
      await assert.rejects(readAll(damaged), (error) => hasCode(error, "bad_parameter"), `byte ${position}`);
    }
    await assert.rejects(readAll(packed.subarray(0, 700)), /cut short/);
  });

  it("says not_found without an index and corrupt where a file is missing", async () => {
    const sid = await recordShort(folder);
    await rm(join(folder, `${sid}-0.chunks.gz`));
    await assert.rejects(openArchive(folder, sid), (error) => hasCode(error, "corrupt"));
    await writeFile(
      join(folder, `${sid}.index`),
      '{"file_name":"../x","type":"events","index":0,"offset":0}\n',
    );
    await assert.rejects(openArchive(folder, sid), (error) => hasCode(error, "corrupt"));
    await rm(join(folder, `${sid}.index`));
    await assert.rejects(openArchive(folder, sid), (error) => hasCode(error, "not_found"));
    await assert.rejects(openArchive(folder, ".."), (error) => hasCode(error, "bad_parameter"));
  });
});

async function readAll(bytes: Buffer): Promise<void> {
  for await (const { content } of readUstar(inPieces(bytes, 200))) await collect(content);
}
