import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { auditEvent, EVENT_KINDS, fieldsOf } from "../../../core/audit/catalogue.js";
import { fieldType, isOfType } from "../../../core/audit/field-types.js";
import { fixture } from "../../kit/paths.js";

describe("the audit catalogue", () => {
  it("gives each outcome its code", () => {
    const login = { user: "alice", method: "local" };
    assert.deepEqual(auditEvent("userLogin", "success", { ...login, success: true }), {
      event: "user.login",
      code: "T1000I",
      user: "alice",
      method: "local",
      success: true,
    });
    assert.equal(
      auditEvent("userLogin", "failure", { ...login, success: false, error: "no" }).code,
      "T1000W",
    );
  });

  it("leaves out fields that are undefined, and lets none replace name or code", () => {
    const event = auditEvent("userDelete", "success", { user: "al", event: "x", code: undefined } as {
      user: string;
    });
    assert.deepEqual(event, { event: "user.delete", code: "T1003I", user: "al" });
  });

  it("has no code twice", () => {
    const codes = Object.values(EVENT_KINDS).flatMap(({ codes }) => Object.values(codes));
    assert.equal(new Set(codes).size, codes.length);
  });

  it("knows every event of a captured 4.2 log, with its fields and their types", async () => {
    const log = await readFile(fixture("audit", "2026-11-22.00:00:00.log"), "utf8");
    const events = log
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(events.length > 100);
    for (const { event, code, time, uid, ...fields } of events) {
      assert.ok(typeof time === "string" && typeof uid === "string");
      const spec = fieldsOf(String(event), String(code));
      assert.ok(spec, `${String(event)} ${String(code)}`);
      for (const [field, value] of Object.entries(fields)) {
        const type = fieldType(spec, field);
        assert.ok(
          type !== undefined && isOfType(type, value),
          `${String(event)}.${field}: ${JSON.stringify(value)}`,
        );
      }
    }
  });
});
