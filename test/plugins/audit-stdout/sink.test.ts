import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Writable } from "node:stream";
import { hasCode } from "../../../core/errors/error.js";
import type { AuditEvent } from "../../../core/plugin/index.js";
import { createStreamAuditSink } from "../../../plugins/audit-stdout/sink.js";

const event = (uid: string): AuditEvent => ({
  code: "T3002I",
  event: "exec",
  time: "2026-01-01T00:00:00.000Z",
  uid,
});

describe("the standard output sink", () => {
  it("writes one JSON line per event", async () => {
    const written: string[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk.toString());
        done();
      },
    });
    const sink = createStreamAuditSink(stream);
    await sink.emit([event("a"), event("b")]);
    await sink.close();
    assert.deepEqual(written.join("").split("\n"), [
      JSON.stringify(event("a")),
      JSON.stringify(event("b")),
      "",
    ]);
  });

  it("does not count an event as recorded while its reader stalls", async () => {
    let release: (() => void) | undefined;
    const stream = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => void (release = done),
    });
    const sink = createStreamAuditSink(stream);
    const done: string[] = [];
    const first = sink.emit([event("a")]).then(() => done.push("first"));
    const second = sink.emit([event("b")]).then(() => done.push("second"));
    await new Promise(setImmediate);
    assert.deepEqual(done, []);
    release?.();
    await first;
    assert.deepEqual(done, ["first"]);
    release?.();
    await second;
    await sink.close();
  });

  it("fails the emitter and not the process when its reader has gone", async () => {
    const child = spawn("true", { stdio: ["pipe", "ignore", "ignore"] });
    await once(child, "exit");
    const sink = createStreamAuditSink(child.stdin);
    const emitting = (async () => {
      for (;;) await sink.emit([event("a")]);
    })();
    await assert.rejects(emitting, (error: Error) => {
      assert.ok(hasCode(error, "unavailable"));
      assert.match(error.message, /its reader has gone away/);
      return true;
    });
    await sink.close();
  });

  it("refuses events after close and leaves the stream open", async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
    const sink = createStreamAuditSink(stream);
    await sink.close();
    await sink.close();
    await assert.rejects(sink.emit([event("a")]), (error) => hasCode(error, "unavailable"));
    assert.equal(stream.writable, true);
    assert.equal(stream.listenerCount("error"), 0);
  });
});
