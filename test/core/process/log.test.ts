import assert from "node:assert/strict";
import { textLine } from "../../../core/process/log.js";

const line = (fields: Record<string, unknown>): string =>
  textLine(JSON.stringify({ level: 30, time: "2026-01-02T03:04:05.000Z", msg: "started", ...fields }));

describe("process: log lines", () => {
  it("writes level, component, message and fields", () => {
    assert.equal(
      line({ component: "proxy:ssh", user: "alice", tries: 3 }),
      "2026-01-02T03:04:05.000Z INFO [PROXY:SSH] started user:alice tries:3\n",
    );
  });

  it("pads a short component", () => {
    assert.match(line({ component: "node" }), /INFO \[NODE\]      started\n$/);
  });

  it("does not let a value forge a line or drive a terminal", () => {
    const forged = line({ user: "x\nERRO fake", title: "\u001b]0;owned\u0007" });
    assert.equal(forged.split("\n").length, 2);
    assert.ok(!forged.includes("\u001b"));
    assert.ok(!line({ msg: "a\r\nb" }).includes("\r"));
  });

  it("escapes DEL and C1 characters in messages, values with blanks, values without, and inner ones", () => {
    const hostile = "\u007f\u009b31m";
    const written = line({ msg: hostile, plain: hostile, spaced: `a ${hostile}`, list: [hostile] });
    assert.match(
      written,
      /INFO \\u007f\\u009b31m plain:\\u007f\\u009b31m spaced:"a \\u007f\\u009b31m" list:\["\\u007f\\u009b31m"\]\n$/,
    );
  });
});
