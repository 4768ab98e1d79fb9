import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  errorFromGrpc,
  errorFromHttp,
  httpStatusOf,
  publicMessage,
  toGrpcError,
} from "../../../../core/auth/client/error-mapping.js";
import { CodedError, corrupt, internal, notFound, type ErrorCode } from "../../../../core/errors/error.js";

/** The table of wire.md §0.2. */
const TABLE: [ErrorCode, number, number][] = [
  ["not_found", 404, 5],
  ["bad_parameter", 400, 3],
  ["not_implemented", 501, 12],
  ["compare_failed", 412, 9],
  ["access_denied", 403, 7],
  ["already_exists", 409, 6],
  ["limit_exceeded", 429, 8],
  ["unavailable", 504, 14],
  ["internal", 500, 2],
];

describe("error mapping", () => {
  for (const [code, status, grpc] of TABLE) {
    it(`carries ${code} as ${status} and as gRPC status ${grpc}, and back`, () => {
      const error = new CodedError(code, "what is wrong");
      assert.equal(httpStatusOf(error), status);
      assert.equal(toGrpcError(error).code, grpc);
      assert.equal(errorFromHttp(status, "what is wrong").code, code);
      const back = errorFromGrpc(new ConnectError("what is wrong", grpc));
      assert.deepEqual([back.code, back.message], [code, "what is wrong"]);
    });
  }

  it("makes nothing that is unknown a missing thing", () => {
    for (const status of [0, 302, 401, 405, 410, 418, 500])
      assert.notEqual(errorFromHttp(status, "").code, "not_found");
    for (const code of [Code.Unknown, Code.Internal, Code.DataLoss, Code.OutOfRange]) {
      assert.equal(errorFromGrpc(new ConnectError("x", code)).code, "internal");
    }
    assert.equal(httpStatusOf(new Error("x")), 500);
    assert.equal(httpStatusOf(corrupt("x")), 500);
    assert.equal(errorFromGrpc(new Error("socket hang up")).code, "unavailable");
  });

  it("shows callers the text of coded errors only", () => {
    assert.equal(publicMessage(notFound("user 'x' is not found")), "user 'x' is not found");
    assert.equal(publicMessage(internal("a known failure")), "a known failure");
    const system = Object.assign(new Error("ENOENT: /var/lib/secret"), { code: "ENOENT" });
    for (const error of [system, new TypeError("x is not a function"), "text", null, undefined]) {
      assert.match(publicMessage(error), /^internal error/);
      assert.match(toGrpcError(error).rawMessage, /^internal error/);
    }
  });
});
