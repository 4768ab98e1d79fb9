/** The example plugin in the built daemon, which hands it its own bundled copy of the contract. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { privateCopy, repoRoot, temporaryFolder } from "../kit/paths.js";
import { startDaemon } from "./kit/daemon.js";
import { addUser } from "./kit/users.js";

const source = path.join(repoRoot, "examples", "audit-webhook");

describe("e2e: a third-party audit sink", function () {
  this.timeout(60_000);
  let folder: string;
  let remove: () => Promise<void>;
  let server: http.Server;
  const received: { event: string; user?: string }[] = [];
  before(async () => {
    ({ folder, remove } = await temporaryFolder());
    for (const name of ["package.json", "audit-webhook.js"]) {
      await privateCopy(path.join(source, name), folder);
    }
    server = http.createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        received.push(...(JSON.parse(body) as typeof received));
        response.writeHead(204).end();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await remove();
  });

  it("gets the events before those who cause them are answered", async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const daemon = await startDaemon({
      teleport: {
        plugins: [path.join(folder, "audit-webhook.js")],
        storage: {
          audit_events_uri: [`file://${folder}/events`, "webhook://"],
          audit_sessions_uri: `file://${folder}/recordings`,
        },
        plugin_config: { "audit.webhook": { url } },
      },
    });
    try {
      await addUser(daemon, "bob", "root");
      assert.ok(
        received.some(({ event, user }) => event === "user.update" && user === "bob"),
        JSON.stringify(received),
      );
    } finally {
      await daemon.remove();
    }
  });
});
