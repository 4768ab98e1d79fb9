import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import tls from "node:tls";
import { createHttpServer, type HttpServer } from "../../../../core/proxy/web/http-server.js";
import type { KeyPair } from "../../../../core/plugin/tls.js";
import { TestLog, TestSource, pairFor } from "./web-fixture.js";

/** Short enough for a test; Node counts in whole milliseconds. */
const SHORT = { headersMs: 50, requestMs: 100, checkMs: 10 };

describe("proxy: HTTP server", () => {
  const log = new TestLog();
  let server: HttpServer;
  let listener: net.Server;
  const start = async (source: TestSource | undefined, timeouts?: typeof SHORT): Promise<number> => {
    server = await createHttpServer({ tls: source, log, timeouts }, (_request, response) => {
      response.end("served");
    });
    listener = net.createServer((socket) => void server.server.emit("connection", socket));
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return (listener.address() as net.AddressInfo).port;
  };
  afterEach(() => {
    listener.close();
    server.close();
  });

  const shake = async (port: number, servername?: string): Promise<tls.TLSSocket> => {
    const socket = tls.connect({
      host: "127.0.0.1",
      port,
      rejectUnauthorized: false,
      ...(servername ? { servername } : {}),
    });
    await once(socket, "secureConnect");
    return socket;
  };
  const nameOf = (socket: tls.TLSSocket): string => String(socket.getPeerCertificate().subject.O);
  const shown = async (port: number, servername?: string): Promise<string> => {
    const socket = await shake(port, servername);
    const name = nameOf(socket);
    socket.destroy();
    return name;
  };

  describe("certificates", () => {
    it("shows a new certificate to new clients, and keeps the connections of the old ones", async () => {
      const source = new TestSource(pairFor("old.test"));
      const port = await start(source);
      const early = await shake(port);
      assert.equal(nameOf(early), "old.test");
      assert.equal(await shown(port, "proxy.test"), "old.test");

      const exchanged = log.next("the web certificate was exchanged");
      source.exchange(pairFor("new.test"));
      await exchanged;
      assert.equal(await shown(port), "new.test");
      assert.equal(await shown(port, "proxy.test"), "new.test");

      early.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      let text = "";
      for await (const chunk of early) text += String(chunk);
      assert.match(text, /served$/);
    });

    it("goes on with the old certificate where the new one cannot be used, and takes the next", async () => {
      const source = new TestSource(pairFor("old.test"));
      const port = await start(source);
      const refused = log.next("the new web certificate cannot be used");
      const broken: KeyPair = { chainPem: pairFor("new.test").chainPem, keyPem: source.pair.keyPem };
      source.exchange(broken);
      await refused;
      assert.equal(await shown(port), "old.test");
      assert.equal(await shown(port, "proxy.test"), "old.test");

      const exchanged = log.next("the web certificate was exchanged");
      source.exchange(pairFor("third.test"));
      await exchanged;
      assert.equal(await shown(port), "third.test");
      assert.equal(await shown(port, "proxy.test"), "third.test");
    });

    it("refuses TLS 1.1", async () => {
      const port = await start(new TestSource(pairFor("old.test")));
      const socket = tls.connect({
        host: "127.0.0.1",
        port,
        rejectUnauthorized: false,
        minVersion: "TLSv1.1",
        maxVersion: "TLSv1.1",
        ciphers: "ALL:@SECLEVEL=0",
      });
      const [error] = (await once(socket, "error")) as [Error];
      assert.match(error.message, /protocol version|unsupported protocol/);
    });
  });

  describe("slow clients", () => {
    const dropped = (port: number, bytes: string): Promise<string> =>
      new Promise((resolve) => {
        let text = "";
        const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes));
        socket.on("error", () => undefined);
        socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
        socket.once("close", () => resolve(text));
      });

    for (const [what, bytes] of [
      ["nothing", ""],
      ["half of its headers", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "],
      ["half of its body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"],
    ] as const) {
      it(`drops a client that sends ${what}`, async () => {
        const port = await start(undefined, SHORT);
        await dropped(port, bytes);
      });
    }

    it("serves one that is in time", async () => {
      const port = await start(undefined, SHORT);
      const request = http.get({ host: "127.0.0.1", port, agent: false });
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      assert.equal(response.statusCode, 200);
      response.resume();
      await once(response, "end");
    });
  });

  it("ends its connections when it is closed", async () => {
    const port = await start(new TestSource(pairFor("old.test")));
    const socket = await shake(port);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined).resume();
    server.close();
    await closed;
  });
});
