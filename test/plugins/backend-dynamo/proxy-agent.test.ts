import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../../core/plugin/clock.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import { openClients } from "../../../plugins/backend-dynamo/clients.js";
import { proxyFor } from "../../../plugins/backend-dynamo/proxy-agent.js";
import { Requests } from "../../../plugins/backend-dynamo/requests.js";
import { Table } from "../../../plugins/backend-dynamo/table.js";

describe("plugins/backend-dynamo/proxy-agent", () => {
  it("reads the variables as other programs do", () => {
    const host = "dynamodb.eu-central-1.amazonaws.com";
    const proxy = "http://proxy:3128";
    assert.equal(proxyFor(host, {}), undefined);
    assert.equal(proxyFor(host, { HTTPS_PROXY: proxy })?.host, "proxy:3128");
    assert.equal(proxyFor(host, { https_proxy: "other:1" })?.host, "other:1");
    for (const NO_PROXY of ["*", "amazonaws.com", "a.example, .amazonaws.com", host, `${host}:443`]) {
      assert.equal(proxyFor(host, { HTTPS_PROXY: proxy, NO_PROXY }), undefined, NO_PROXY);
    }
    assert.ok(proxyFor(host, { HTTPS_PROXY: proxy, NO_PROXY: "aws.com,eu-central-1" }));
  });

  it("asks the proxy for a tunnel to AWS, and says so where it refuses", async () => {
    const asked: string[] = [];
    const server = createServer().listen(0, "127.0.0.1");
    server.on("connect", (request, socket) => {
      asked.push(`${request.url ?? ""} ${request.headers["proxy-authorization"] ?? ""}`);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    await once(server, "listening");
    const before = process.env["HTTPS_PROXY"];
    process.env["HTTPS_PROXY"] = `http://user:p%40ss@127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
    const clients = await openClients({ region: "eu-central-1", endpoint: undefined, credentials });
    const context = { table: "x", region: "eu-central-1", clock: systemClock, log: silentLogger };
    const requests = new Requests({ ...context, retryPeriodMs: 1 });
    try {
      const table = new Table(clients, requests, { billing: "provisioned", readUnits: 1, writeUnits: 1 });
      await assert.rejects(table.prepare(), /the proxy 127\.0\.0\.1:\d+ of HTTPS_PROXY did not connect.*403/);
      assert.match(asked[0] ?? "", /^dynamodb\.eu-central-1\..*:443 Basic dXNlcjpwQHNz$/);
    } finally {
      if (before === undefined) delete process.env["HTTPS_PROXY"];
      else process.env["HTTPS_PROXY"] = before;
      await requests.close(0);
      clients.close();
      server.close();
      server.closeAllConnections();
    }
  });
});
