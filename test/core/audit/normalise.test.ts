import assert from "node:assert/strict";
import fc from "fast-check";
import { auditEvent, type PendingAuditEvent } from "../../../core/audit/catalogue.js";
import { normaliseEvent } from "../../../core/audit/normalise.js";
import { MAX_EVENT_BYTES, TRIMMED_FIELD } from "../../../core/audit/trim.js";
import { hasCode } from "../../../core/errors/error.js";

const NOW = new Date("2026-03-01T12:00:00.120Z");
const exec = (fields: Record<string, unknown> = {}): PendingAuditEvent => ({
  event: "exec",
  code: "T3002I",
  ...fields,
});
const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

describe("normalising audit events", () => {
  it("adds time in milliseconds and a uid, and sorts the keys at every depth", () => {
    const event = normaliseEvent(
      { event: "session.start", code: "T2000I", user: "u", server_labels: { z: "1", a: "2" } },
      NOW,
    );
    assert.equal(event.time, "2026-03-01T12:00:00.120Z");
    assert.match(event.uid, /^[0-9a-f-]{36}$/);
    assert.deepEqual(Object.keys(event), ["code", "event", "server_labels", "time", "uid", "user"]);
    assert.deepEqual(Object.keys(event["server_labels"] as object), ["a", "z"]);
  });

  it("keeps the emitter's uid and puts its time into the one form", () => {
    const event = normaliseEvent(exec({ uid: "abc", time: "2026-03-01T13:00:00.7+01:00" }), NOW);
    assert.equal(event.uid, "abc");
    assert.equal(event.time, "2026-03-01T12:00:00.700Z");
  });

  it("names the field that has the wrong type", () => {
    const wrong: [PendingAuditEvent, RegExp][] = [
      [exec({ exitCode: 1 }), /field "exitCode" is malformed/],
      [exec({ time: "yesterday" }), /field "time"/],
      [exec({ time: "2026-13-01T00:00:00Z" }), /field "time"/],
      [exec({ uid: 7 }), /field "uid"/],
      [exec({ extra: () => 1 }), /field "extra"/],
      [{ event: "session.end", code: "T2004I", participants: "alice" }, /field "participants"/],
      [{ event: "session.data", code: "T2006I", rx: 1.5 }, /field "rx"/],
      [{ event: "bad name", code: "T3002I" }, /valid name/],
      [{ event: "exec", code: "" }, /no valid code/],
    ];
    for (const [pending, pattern] of wrong) {
      assert.throws(
        () => normaliseEvent(pending, NOW),
        (error: Error) => hasCode(error, "bad_parameter") && pattern.test(error.message),
      );
    }
  });

  it("lets events through that the catalogue does not know", () => {
    const event = normaliseEvent({ event: "cert.create", code: "TC000I", identity: { user: "a" } }, NOW);
    assert.deepEqual(event["identity"], { user: "a" });
  });

  it("shortens the largest field of an oversized event and says which", () => {
    const event = normaliseEvent(exec({ command: "é".repeat(100_000), user: "alice", login: "root" }), NOW);
    assert.ok(bytes(event) <= MAX_EVENT_BYTES);
    assert.ok(bytes(event) > MAX_EVENT_BYTES - 200, "no more than needed is cut");
    assert.deepEqual(event[TRIMMED_FIELD], ["command"]);
    assert.equal(event["user"], "alice");
  });

  it("never cuts a character in half, and keeps a list a list", () => {
    const emoji = normaliseEvent(exec({ command: "😀".repeat(50_000) }), NOW);
    assert.match(String(emoji["command"]), /^(😀)+$/u);
    const participants = Array.from({ length: 20_000 }, (_, i) => `user-${i}`);
    const end = normaliseEvent({ event: "session.end", code: "T2004I", participants }, NOW);
    const kept = end["participants"] as string[];
    assert.ok(kept.length > 1000 && bytes(end) <= MAX_EVENT_BYTES);
    assert.deepEqual(kept, participants.slice(0, kept.length));
  });

  it("brings any event below the bound without losing what identifies it", () => {
    const value = fc.oneof(
      fc.string({ maxLength: 100, unit: "grapheme" }).map((text) => text.repeat(400)),
      fc
        .array(fc.string({ maxLength: 50 }), { maxLength: 20 })
        .map((list) => Array(200).fill(list.join()) as string[]),
      fc.dictionary(fc.string(), fc.string({ maxLength: 200 })),
      fc.integer(),
    );
    const fields = fc.dictionary(fc.stringMatching(/^[f-m]{1,8}$/), value, { maxKeys: 40 });
    fc.assert(
      fc.property(fields, (extra) => {
        const event = normaliseEvent({ ...extra, ...exec({ uid: "u", sid: "s" }) }, NOW);
        assert.ok(bytes(event) <= MAX_EVENT_BYTES);
        assert.deepEqual([event.event, event.code, event.uid, event["sid"]], ["exec", "T3002I", "u", "s"]);
        const isTrimmed = TRIMMED_FIELD in event;
        assert.equal(
          isTrimmed,
          bytes({ ...extra, ...exec({ uid: "u", sid: "s", time: event.time }) }) > MAX_EVENT_BYTES,
        );
      }),
      { numRuns: 60 },
    );
  });

  it("takes what the builders make", () => {
    const built = auditEvent("port", "failure", {
      "user": "alice",
      "login": "root",
      "addr.remote": "10.0.0.1:4000",
      "addr": "db:5432",
      "success": false,
      "error": "refused",
    });
    assert.equal(normaliseEvent(built, NOW)["addr"], "db:5432");
  });
});
