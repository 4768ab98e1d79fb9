import assert from "node:assert/strict";
import { serverLabels } from "../../../core/access/server-labels.js";
import type { Server } from "../../../core/resources/server.js";

describe("server labels", () => {
  it("puts command results over static labels", () => {
    const server: Server = {
      kind: "node",
      version: "v2",
      metadata: { name: "uuid", labels: { env: "prod", arch: "unknown" } },
      spec: {
        addr: "127.0.0.1:3022",
        hostname: "node1",
        cmd_labels: { arch: { period: "1m0s", command: ["uname", "-m"], result: "x86_64" } },
      },
    };
    assert.deepEqual(serverLabels(server), { env: "prod", arch: "x86_64" });
  });

  it("has none where none are set", () => {
    const server: Server = {
      kind: "node",
      version: "v2",
      metadata: { name: "uuid" },
      spec: { addr: "", hostname: "" },
    };
    assert.deepEqual(serverLabels(server), {});
  });
});
