import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { hasCode } from "../../../core/errors/error.js";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { silentLogger, type KeyPair, type Logger } from "../../../core/plugin/index.js";
import { createSelfSignedPair } from "../../../plugins/tls-files/certificate.js";
import { filePairProvider } from "../../../plugins/tls-files/file-pair.js";
import plugin from "../../../plugins/tls-files/index.js";
import { selfSignedProvider } from "../../../plugins/tls-files/self-signed.js";
import { createTlsSource } from "../../../plugins/tls-files/source.js";
import { temporaryFolder } from "../../kit/paths.js";

const DAY_MS = 24 * 3600 * 1000;

/** A logger that keeps what it is told. */
function memoryLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (message: string, fields?: object): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const log: Logger = {
    debug: keep("debug"),
    info: keep("info"),
    warn: keep("warn"),
    error: keep("error"),
    child: () => log,
  };
  return { log, lines };
}

describe("the tls.files plugin", function () {
  this.timeout(20_000);
  let folder: string;
  let remove: () => Promise<void>;
  let clock: ManualClock;
  let pairs: KeyPair[];
  before(async () => {
    clock = new ManualClock(new Date());
    pairs = [
      await createSelfSignedPair("one.example.com", clock.now()),
      await createSelfSignedPair("two", clock.now()),
    ];
  });
  beforeEach(async () => {
    clock = new ManualClock(new Date());
    ({ folder, remove } = await temporaryFolder());
  });
  afterEach(() => remove());

  const files = (log: Logger = silentLogger) =>
    filePairProvider({ keyFile: join(folder, "key.pem"), certFile: join(folder, "cert.pem"), clock, log });
  const store = async (keyPem: string | undefined, chainPem: string | undefined): Promise<void> => {
    await writeFile(join(folder, "key.pem"), keyPem ?? "", { mode: 0o600 });
    await writeFile(join(folder, "cert.pem"), chainPem ?? "");
  };
  const pair = (i: number): KeyPair => pairs[i] as KeyPair;
  const refused = (pattern: RegExp) => (error: Error) => {
    assert.ok(hasCode(error, "config"));
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes("\n") && !error.message.includes("BEGIN"));
    return true;
  };

  describe("with files", () => {
    it("serves the pair and warns that it is self-signed", async () => {
      await store(pair(0).keyPem, pair(0).chainPem);
      const { log, lines } = memoryLog();
      assert.deepEqual(await files(log).load(), pair(0));
      assert.match(lines.join(), /warn the certificate in .*cert\.pem is self-signed/);
    });

    it("refuses a key of another certificate", async () => {
      await store(pair(1).keyPem, pair(0).chainPem);
      await assert.rejects(
        files().load(),
        refused(/key in .*key\.pem does not belong to the first certificate/),
      );
    });

    it("refuses a chain in the wrong order", async () => {
      await store(pair(0).keyPem, pair(0).chainPem + pair(1).chainPem);
      await assert.rejects(files().load(), refused(/certificate 1 is not signed by certificate 2/));
    });

    it("refuses expired and future certificates", async () => {
      await store(pair(0).keyPem, pair(0).chainPem);
      await clock.advance(366 * DAY_MS);
      await assert.rejects(files().load(), refused(/certificate 1 in .* expired at/));
      await clock.advance(-400 * DAY_MS);
      await assert.rejects(files().load(), refused(/is not valid before/));
    });

    it("refuses what is no key or certificate without showing it", async () => {
      await store("my secret key", pair(0).chainPem);
      await assert.rejects(files().load(), refused(/key\.pem holds no readable PEM private key/));
      await store(pair(0).keyPem, pair(0).keyPem);
      await assert.rejects(files().load(), refused(/cert\.pem holds no PEM certificate/));
      await store(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
        pair(0).chainPem,
      );
      await assert.rejects(files().load(), refused(/is encrypted/));
    });

    it("names a file that does not exist", async () => {
      await assert.rejects(files().load(), (error: Error) => {
        assert.ok(hasCode(error, "unavailable"));
        assert.match(error.message, /cannot read .*key\.pem: it does not exist/);
        return true;
      });
    });

    it("announces a replaced pair, and keeps the old one while the new is unusable", async () => {
      await store(pair(0).keyPem, pair(0).chainPem);
      const { log, lines } = memoryLog();
      const source = createTlsSource({ provider: files(), clock, log, intervalMs: 1000 });
      await source.start();
      const changes = source.changes(new AbortController().signal)[Symbol.asyncIterator]();
      const change = changes.next();

      await writeFile(join(folder, "cert.pem"), pair(1).chainPem);
      const complained = new Promise<void>((resolve) => {
        const push = lines.push.bind(lines);
        lines.push = (...added) => (resolve(), push(...added));
      });
      await clock.advance(1000);
      await complained;
      assert.deepEqual(await source.current(), pair(0));
      assert.match(lines.join(), /error cannot use the changed TLS certificate; the old one stays in use/);

      await writeFile(join(folder, "key.pem"), pair(1).keyPem);
      await settle(clock, change);
      assert.deepEqual(await change, { value: undefined, done: false });
      assert.deepEqual(await source.current("any.name"), pair(1));
      const last = changes.next();
      await source.close();
      assert.equal((await last).done, true);
    });

    it("ends the announcements when the signal is aborted", async () => {
      await store(pair(0).keyPem, pair(0).chainPem);
      const source = createTlsSource({ provider: files(), clock, log: silentLogger });
      await source.start();
      const stop = new AbortController();
      const change = source.changes(stop.signal)[Symbol.asyncIterator]().next();
      stop.abort();
      assert.equal((await change).done, true);
      await source.close();
    });
  });

  describe("without files", () => {
    const provider = (log: Logger = silentLogger) =>
      selfSignedProvider({ dataDir: folder, hostname: "node1.example.com", clock, log });

    it("makes a pair for the host and localhost, keeps it at 0600 and uses it again", async () => {
      const made = await provider().load();
      const certificate = new X509Certificate(made.chainPem);
      assert.equal(
        certificate.subjectAltName,
        "DNS:localhost, DNS:node1.example.com, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
      );
      assert.equal(Math.round((Date.parse(certificate.validTo) - clock.now().getTime()) / DAY_MS), 365);
      assert.deepEqual((await readdir(folder)).sort(), ["webproxy_cert.pem", "webproxy_key.pem"]);
      assert.equal((await stat(join(folder, "webproxy_key.pem"))).mode & 0o777, 0o600);
      assert.equal((await stat(join(folder, "webproxy_cert.pem"))).mode & 0o777, 0o600);
      assert.deepEqual(await provider().load(), made);
    });

    it("renews it near its end", async () => {
      const made = await provider().load();
      await clock.advance(334 * DAY_MS);
      assert.deepEqual(await provider().load(), made);
      await clock.advance(2 * DAY_MS);
      const renewed = await provider().load();
      assert.notEqual(renewed.chainPem, made.chainPem);
      assert.ok(
        Date.parse(new X509Certificate(renewed.chainPem).validTo) > clock.now().getTime() + 300 * DAY_MS,
      );
    });

    it("replaces a pair that a crash left mismatched", async () => {
      await provider().load();
      await writeFile(join(folder, "webproxy_key.pem"), pair(0).keyPem);
      const replaced = await provider().load();
      assert.ok(new X509Certificate(replaced.chainPem).subjectAltName?.includes("node1.example.com"));
    });

    it("is accepted by a client that trusts it", async () => {
      const made = await provider().load();
      const server = createServer({ key: made.keyPem, cert: made.chainPem }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const socket: TLSSocket = connect({
        host: "127.0.0.1",
        port,
        ca: made.chainPem,
        servername: "localhost",
      });
      await once(socket, "secureConnect");
      assert.equal(socket.authorized, true);
      socket.destroy();
      server.close();
    });
  });

  it("asks for both files or none, as absolute paths", () => {
    assert.ok(plugin.schema.safeParse({}).success);
    assert.ok(plugin.schema.safeParse({ key_file: "/k", cert_file: "/c" }).success);
    assert.match(String(plugin.schema.safeParse({ key_file: "/k" }).error), /must be given together/);
    assert.match(String(plugin.schema.safeParse({ key_file: "k", cert_file: "/c" }).error), /absolute/);
    assert.equal(plugin.schema.safeParse({ keyfile: "/k" }).success, false);
  });
});

/** Moves the clock, second by second, until the promise settles. */
async function settle(clock: ManualClock, promise: Promise<unknown>): Promise<void> {
  let settled = false;
  void promise.finally(() => (settled = true));
  while (!settled) {
    await clock.advance(1000);
    await new Promise(setImmediate);
  }
}
