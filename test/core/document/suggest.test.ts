import assert from "node:assert/strict";
import { nearest } from "../../../core/document/suggest.js";

describe("nearest", () => {
  const keys = ["listen_addr", "web_listen_addr", "enabled", "ttl", "type"];
  const cases: [string, string | undefined][] = [
    ["listen_adr", "listen_addr"],
    ["ListenAddr", "listen_addr"],
    ["listen-addr", "listen_addr"],
    ["enabeld", "enabled"],
    ["tll", "ttl"],
    ["typ", "type"],
    ["storage", undefined],
    ["x", undefined],
    ["", undefined],
  ];
  for (const [word, expected] of cases) {
    it(`'${word}' is ${expected ?? "nothing"}`, () => assert.equal(nearest(word, keys), expected));
  }
});
