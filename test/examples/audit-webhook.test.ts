import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { checkPluginSettings } from "../../core/config/plugin-settings.js";
import { parseYaml } from "../../core/document/yaml-document.js";
import { openPluginHost, runPlugin, type RunningPlugin } from "../../core/plugin/host.js";
import { silentLogger, type AuditEvent, type PluginDefinition } from "../../core/plugin/index.js";
import { ManualClock } from "../../core/plugin/kit/manual-clock.js";
import { privateCopy, repoRoot, temporaryFolder } from "../kit/paths.js";

const source = path.join(repoRoot, "examples", "audit-webhook");

const event = (uid: string): AuditEvent => ({
  event: "exec",
  code: "T3002I",
  time: "2026-01-01T00:00:00.000Z",
  uid,
});

/** What the endpoint was sent. */
interface Received {
  readonly events: unknown;
  readonly headers: http.IncomingHttpHeaders;
  readonly path: string | undefined;
}

describe("examples: audit-webhook", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let definition: PluginDefinition<"audit">;
  let server: http.Server;
  let url: string;
  let clock: ManualClock;
  let running: RunningPlugin<"audit"> | undefined;
  const received: Received[] = [];
  /** How the endpoint answers. */
  let answer: (response: ServerResponse, request: IncomingMessage) => void;

  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    for (const name of ["package.json", "audit-webhook.js"])
      await privateCopy(path.join(source, name), folder);
    const host = await openPluginHost(["./audit-webhook.js"], folder);
    definition = await host.definition("audit", "webhook");
    clock = new ManualClock();
    received.length = 0;
    answer = (response) => response.writeHead(204).end();
    server = http.createServer((request, response) => {
      void collect(request).then((body) => {
        received.push({ events: JSON.parse(body), headers: request.headers, path: request.url });
        answer(response, request);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/audit?key=hidden`;
  });
  afterEach(async () => {
    await running?.close();
    running = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await remove();
  });

  /** Checks settings as the daemon does with those of `plugin_config`. */
  const settings = (yaml: string): unknown => {
    const { root } = parseYaml(yaml);
    assert.equal(root?.kind, "map");
    return checkPluginSettings(definition.schema, root, {
      fileName: "teleport.yaml",
      plugin: { id: definition.id, section: `teleport.plugin_config.${definition.id}` },
    });
  };
  const start = async (extra = ""): Promise<RunningPlugin<"audit">> => {
    running = await runPlugin(definition, settings(`url: "${url}"\n${extra}`), {
      log: silentLogger,
      clock,
      dataDir: folder,
      hostId: "2b7ae4d3-0000-4000-8000-000000000000",
      hostname: "node1",
    });
    received.length = 0;
    return running;
  };

  it("posts a batch, and returns only when it is acknowledged", async () => {
    const { product } = await start();
    let acknowledge: (() => void) | undefined;
    const asked = new Promise<void>((resolve) => {
      answer = (response) => {
        acknowledge = () => response.writeHead(200).end("thanks");
        resolve();
      };
    });
    let recorded = false;
    const emitting = product.emit([event("a"), event("b")]).then(() => (recorded = true));
    await asked;
    assert.equal(recorded, false);
    assert.deepEqual(received[0]?.events, [event("a"), event("b")]);
    assert.equal(received[0]?.path, "/audit?key=hidden");
    assert.equal(received[0]?.headers["content-type"], "application/json");
    acknowledge?.();
    await emitting;
  });

  it("sends the token of its file, without the newline", async () => {
    const tokenFile = path.join(folder, "token");
    await writeFile(tokenFile, "s3cret\n", { mode: 0o600 });
    const { product } = await start(`token_file: ${tokenFile}`);
    await product.emit([event("a")]);
    assert.equal(received[0]?.headers.authorization, "Bearer s3cret");
  });

  for (const status of [301, 403, 500]) {
    it(`throws for status ${status}, and says nothing secret`, async () => {
      const { product } = await start();
      answer = (response) => response.writeHead(status, { Location: "/elsewhere" }).end("hidden detail");
      await assert.rejects(product.emit([event("a")]), (error: Error & { code?: string }) => {
        assert.equal(error.code, "unavailable");
        assert.match(
          error.message,
          new RegExp(`^the audit webhook at http://127\\.0\\.0\\.1:\\d+ answered with status ${status}$`),
        );
        return true;
      });
    });
  }

  it("throws when the endpoint takes longer than timeout_seconds, counted to the end of its answer", async () => {
    const { product } = await start("timeout_seconds: 2");
    const asked = new Promise<void>((resolve) => {
      answer = (response) => {
        response.writeHead(200, { "Content-Length": "10" });
        response.write("half");
        resolve();
      };
    });
    const refused = assert.rejects(product.emit([event("a")]), {
      code: "unavailable",
      message: /did not answer within 2 s$/,
    });
    await asked;
    await clock.advance(2000);
    await refused;
  });

  it("repeats a batch whose kept connection the endpoint had closed", async () => {
    const { product } = await start();
    let refusals = 1;
    const plain = server.listeners("request")[0] as http.RequestListener;
    server.removeAllListeners("request");
    server.on("request", (request, response) => {
      if (refusals-- > 0) request.socket.resetAndDestroy();
      else plain(request, response);
    });
    await product.emit([event("a")]);
    assert.deepEqual(
      received.map(({ events }) => events),
      [[event("a")]],
    );
  });

  it("stops the start where the endpoint does not answer or refuses the token", async () => {
    answer = (response) => response.writeHead(401).end();
    await assert.rejects(start(), {
      code: "plugin",
      message: /^plugin audit\.webhook failed in phase start: .* answered with status 401$/,
    });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(start(), { code: "plugin", message: /cannot be reached: connect ECONNREFUSED/ });
  });

  it("says which file it cannot read", async () => {
    await assert.rejects(start(`token_file: ${folder}/missing`), {
      code: "plugin",
      message: /cannot read token_file .*\/missing: ENOENT$/,
    });
  });

  it("refuses events after close, and can be closed in any phase, again and again", async () => {
    const plugin = await start();
    await plugin.close();
    await plugin.close();
    await assert.rejects(plugin.product.emit([event("a")]), { code: "unavailable", message: /is closed$/ });
    const instance = await definition.create(settings(`url: "${url}"`), {
      log: silentLogger,
      clock,
      dataDir: folder,
      hostId: "",
      hostname: "",
    });
    await instance.close();
    await instance.close();
  });

  for (const [yaml, expected] of [
    ["token_file: /etc/token", "teleport.yaml:1:1: key 'url' is missing"],
    ["url: ftp://example.com", "teleport.yaml:1:6: 'url' must be an http:// or https:// URL"],
    ["url: https://u:p@example.com", "teleport.yaml:1:6: 'url' must not hold a password; use token_file"],
    [
      "url: https://example.com\ntimeout_seconds: 60",
      "teleport.yaml:2:18: 'timeout_seconds' must be at most 25",
    ],
    [
      "url: https://example.com\ntoken_file: token",
      "teleport.yaml:2:13: 'token_file' must be an absolute path",
    ],
    [
      "url: https://example.com\ntimeout_second: 5",
      "teleport.yaml:2:1: unrecognized configuration key: 'timeout_second', did you mean 'timeout_seconds'?",
    ],
  ] as const) {
    it(`places a problem of ${JSON.stringify(yaml)} in the file`, () => {
      assert.throws(
        () => settings(yaml),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "config");
          assert.ok(error.message.startsWith(expected), error.message);
          return true;
        },
      );
    });
  }
});

async function collect(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}
