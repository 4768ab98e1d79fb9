import assert from "node:assert/strict";
import { memberType, parseIndex, sessionOf } from "../../../core/recording/session-files.js";

const SID = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";

describe("names of recording files", () => {
  it("tell what a member of an archive holds", () => {
    assert.equal(memberType(SID, `${SID}.index`), "index");
    assert.equal(memberType(SID, `${SID}-0.events.gz`), "events");
    assert.equal(memberType(SID, `${SID}-4096.chunks.gz`), "chunks");
    assert.equal(memberType(SID, `${SID}-3.session.command-events.gz`), "session.command");
    assert.equal(memberType(SID, `${SID}-3.session.disk-events.gz`), "session.disk");
  });

  it("give foreign names no place", () => {
    for (const rest of [
      ".completed",
      "-0.events",
      "-x.events.gz",
      "-0.events.gz.bak",
      "-0.other.gz",
      "/../x",
      "",
    ]) {
      assert.equal(memberType(SID, `${SID}${rest}`), undefined, rest);
    }
    assert.equal(memberType(SID, "0c490820-9ee2-4bcc-83c4-000000000000.index"), undefined);
  });

  it("tell whose a file of the upload directory is", () => {
    assert.equal(sessionOf(`${SID}.journal`), SID);
    assert.equal(sessionOf(`${SID}-0.events.gz`), SID);
    for (const name of [SID, `${SID}x.index`, "lost+found", ".hidden"])
      assert.equal(sessionOf(name), undefined, name);
  });

  it("make up an index only of files of the session", () => {
    const entry = { file_name: `${SID}-0.events.gz`, type: "events", index: 0, offset: 0 };
    assert.deepEqual(parseIndex(SID, `${JSON.stringify(entry)}\n\n`), [entry]);
    for (const change of [
      { file_name: "../../etc/passwd" },
      { file_name: `${SID}.index`, type: "index" },
      { type: "chunks" },
      { index: "0" },
      { offset: 0.5 },
    ]) {
      assert.equal(
        parseIndex(SID, JSON.stringify({ ...entry, ...change })),
        undefined,
        JSON.stringify(change),
      );
    }
    assert.equal(parseIndex(SID, "null"), undefined);
    assert.equal(parseIndex(SID, "{"), undefined);
  });
});
