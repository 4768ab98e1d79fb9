import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { hasCode } from "../../../core/errors/error.js";
import { checkedArchive, type ArchiveExpectation } from "../../../core/recording/archive-check.js";
import { encodeHeader, END_OF_ARCHIVE, padding } from "../../../core/recording/ustar.js";
import { fixture } from "../../kit/paths.js";
import { collect, inPieces, SERVER_ID } from "./recorded.js";

const SAMPLE = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";

describe("the check of uploaded archives", () => {
  const sid = randomUUID();
  const expectation: ArchiveExpectation = { sessionId: sid, serverId: SERVER_ID, namespaces: ["default"] };

  const tar = (members: readonly (readonly [string, Buffer | string])[]): Buffer =>
    Buffer.concat([
      ...members.flatMap(([name, content]) => {
        const bytes = Buffer.from(content);
        const header = encodeHeader({ name, sizeBytes: bytes.length, modified: new Date(0) });
        return [header, bytes, padding(bytes.length)];
      }),
      END_OF_ARCHIVE,
    ]);
  const index = `{"file_name":"${sid}-0.events.gz","type":"events","index":0,"offset":0}\n`;
  const archiveOf = (...events: object[]): Buffer =>
    tar([
      [`${sid}.index`, index],
      [`${sid}-0.events.gz`, gzipSync(events.map((event) => `${JSON.stringify(event)}\n`).join(""))],
    ]);
  const check = (bytes: Buffer, changes: Partial<ArchiveExpectation> = {}) =>
    collect(checkedArchive(inPieces(bytes, 777), { ...expectation, ...changes }));
  const refused = (pattern: RegExp) => (error: Error) => {
    assert.ok(hasCode(error, "bad_parameter"), String(error));
    assert.match(error.message, pattern);
    return true;
  };

  it("passes 4.2's sample through unchanged", async () => {
    const sample = await readFile(fixture("recording", "session-recording.tar"));
    for (const size of [13, 512, 100_000]) {
      const passed = await collect(
        checkedArchive(inPieces(sample, size), { ...expectation, sessionId: SAMPLE }),
      );
      assert.ok(passed.equals(sample));
    }
  });

  it("passes an honest archive, whose print lines name no server", async () => {
    const honest = archiveOf(
      { event: "session.start", server_id: SERVER_ID, namespace: "default", sid, note: "ä".repeat(70_000) },
      { event: "print", bytes: 1 },
    );
    assert.ok((await check(honest)).equals(honest));
  });

  it("refuses events of another server, namespace or session", async () => {
    const start = { event: "session.start", server_id: SERVER_ID, namespace: "default", sid };
    await assert.rejects(
      check(archiveOf(start, { ...start, server_id: randomUUID() })),
      refused(/another server/),
    );
    await assert.rejects(check(archiveOf({ ...start, namespace: "secret" })), refused(/unknown namespace/));
    await assert.rejects(check(archiveOf({ ...start, sid: randomUUID() })), refused(/another session/));
    await assert.rejects(check(archiveOf({ ...start, server_id: null })), refused(/another server/));
  });

  it("refuses lines that are no events", async () => {
    const withLines = (text: string): Buffer =>
      tar([
        [`${sid}.index`, index],
        [`${sid}-0.events.gz`, gzipSync(text)],
      ]);
    await assert.rejects(check(withLines("nonsense\n")), refused(/not JSON/));
    await assert.rejects(check(withLines("[]")), refused(/no object/));
  });

  it("refuses members that do not belong to the session", async () => {
    for (const name of [
      "../../etc/passwd",
      "/etc/passwd",
      `${sid}/../x`,
      `${randomUUID()}.index`,
      `${sid}.completed`,
    ]) {
      const bytes = tar([
        [`${sid}.index`, ""],
        [name, "x"],
      ]);
      await assert.rejects(check(bytes), refused(/unexpected member/), name);
    }
  });

  it("refuses archives that do not agree with their index", async () => {
    const events = gzipSync('{"event":"x"}\n');
    await assert.rejects(check(tar([[`${sid}-0.events.gz`, events]])), refused(/index is missing/));
    await assert.rejects(check(tar([[`${sid}.index`, index]])), refused(/events\.gz is missing/));
    const unnamed = tar([
      [`${sid}.index`, index],
      [`${sid}-0.events.gz`, events],
      [`${sid}-7.chunks.gz`, gzipSync("x")],
    ]);
    await assert.rejects(check(unnamed), refused(/not in the index/));
    const twice = tar([
      [`${sid}.index`, index],
      [`${sid}-0.events.gz`, events],
      [`${sid}-0.events.gz`, events],
    ]);
    await assert.rejects(check(twice), refused(/twice/));
  });

  it("refuses damaged compression and archives cut short", async () => {
    const damaged = tar([
      [`${sid}.index`, index],
      [`${sid}-0.events.gz`, gzipSync("{}".repeat(1000)).subarray(0, 20)],
    ]);
    await assert.rejects(check(damaged), refused(/failed to validate archive/));
    await assert.rejects(check(archiveOf({ event: "x" }).subarray(0, 1200)), refused(/cut short/));
    await assert.rejects(check(Buffer.alloc(0)), refused(/cut short/));
  });

  it("bounds the size, also of what unpacks from little", async () => {
    await assert.rejects(check(archiveOf({ event: "x" }), { maxBytes: 1000 }), (error) =>
      hasCode(error, "limit_exceeded"),
    );
    const bomb = tar([
      [`${sid}.index`, index],
      [`${sid}-0.events.gz`, gzipSync(Buffer.alloc(20_000_000, "a"))],
    ]);
    await assert.rejects(check(bomb), (error) => hasCode(error, "limit_exceeded"));
  });

  it("hands the sender's own failure on", async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield archiveOf({ event: "x" }).subarray(0, 600);
      throw Object.assign(new Error("connection reset"), { code: "ECONNRESET" });
    };
    await assert.rejects(collect(checkedArchive(broken(), expectation)), {
      message: "connection reset",
      code: "ECONNRESET",
    });
  });
});
