import assert from "node:assert/strict";
import { hasCode } from "../../../core/errors/error.js";
import { logDirectory } from "../../../plugins/audit-file/log-directory.js";

describe("the place of the audit files", () => {
  it("is 4.2's without a URI, with the link one level above", () => {
    assert.deepEqual(logDirectory("/var/lib/teleport", "uuid"), {
      directory: "/var/lib/teleport/log/uuid",
      link: "/var/lib/teleport/log/events.log",
    });
  });

  it("is the URI's directory", () => {
    assert.deepEqual(logDirectory("/d", "uuid", new URL("file:///srv/audit%20log")), {
      directory: "/srv/audit log",
      link: "/srv/audit log/events.log",
    });
  });

  it("refuses a URI without a path, whose folder would be the root", () => {
    for (const uri of ["file://", "file:", "file:///", "file:////"]) {
      assert.throws(() => logDirectory("/d", "uuid", new URL(uri)), {
        code: "bad_parameter",
        message: /^audit_events_uri names no folder/,
      });
    }
  });

  it("refuses a URI that lacks a slash and so names a host", () => {
    assert.throws(
      () => logDirectory("/d", "uuid", new URL("file://srv/audit")),
      (error: Error) => hasCode(error, "bad_parameter") && error.message.includes("file:///srv/audit"),
    );
  });
});
