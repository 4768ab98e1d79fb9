import assert from "node:assert/strict";
import { maybeElsewhere } from "../../../core/auth/recording-elsewhere.js";
import { notFound, unavailable } from "../../../core/errors/error.js";
import type { Server } from "../../../core/resources/server.js";

describe("core/auth/recording-elsewhere", () => {
  const auth = (name: string, hostname: string, addr: string): Server => ({
    kind: "auth_server",
    version: "v2",
    metadata: { name },
    spec: { addr, hostname },
  });
  const own = auth("id-1", "auth1", "10.0.0.1:3025");
  const other = auth("id-2", "auth2", "10.0.0.2:3025");
  const missing = notFound("the recording is not found");

  it("names the auth servers that may have what this one has not", async () => {
    await assert.rejects(maybeElsewhere({ list: async () => [own, other] }, "id-1")(missing), {
      code: "not_found",
      message: /not found at this auth server; .* ask auth2 \(10\.0\.0\.2:3025\)$/,
    });
  });

  it("passes on what is no absence, and that of a cluster with one auth server", async () => {
    const away = unavailable("the disk is gone");
    await assert.rejects(maybeElsewhere({ list: async () => [own, other] }, "id-1")(away), away);
    await assert.rejects(maybeElsewhere({ list: async () => [own] }, "id-1")(missing), missing);
    await assert.rejects(maybeElsewhere({ list: () => Promise.reject(away) }, "id-1")(missing), missing);
  });
});
