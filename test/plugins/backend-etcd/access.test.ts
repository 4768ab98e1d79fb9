import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { errorMessage, hasCode } from "../../../core/errors/error.js";
import { systemClock, type Clock } from "../../../core/plugin/clock.js";
import type { Logger } from "../../../core/plugin/logger.js";
import type { StorageEvent } from "../../../core/plugin/storage.js";
import { freePorts } from "../../e2e/kit/ports.js";
import { makeEtcdAuthority } from "../../kit/etcd-certificates.js";
import { needEtcd, startEtcd, type EtcdCluster } from "../../kit/etcd.js";
import { freshPrefix, open } from "./open.js";

describe("plugins/backend-etcd/access", function () {
  this.timeout(120_000);
  let etcd: EtcdCluster;
  let strangersCa: string;

  before(async function () {
    needEtcd(this);
    etcd = await startEtcd({ tls: true });
    strangersCa = makeEtcdAuthority(etcd.folder, "stranger");
  });
  after(() => etcd?.dispose());

  it("reads and writes over TLS with a client certificate", async () => {
    const storage = await open(etcd);
    await storage.put({ key: "/a", value: Buffer.from("1") });
    assert.equal(Buffer.from((await storage.get("/a")).value).toString(), "1");
    await storage.close();
  });

  it("says at the start which peer cannot be used, and why", async () => {
    const http: Server = createServer((_request, response) => response.end("hello"));
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const [port] = await freePorts(1);
    const web = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const nobody = `https://127.0.0.1:${port}`;
    const quick = { prefix: freshPrefix(), dial_timeout: "1500ms" };
    const none = { tls_cert_file: undefined, tls_key_file: undefined };
    const [peer = ""] = etcd.peers;
    const cases: [object, RegExp][] = [
      [{ peers: nobody }, /connection refused/],
      [{ tls_ca_file: strangersCa }, /not signed by an authority of tls_ca_file/],
      [none, /client certificate/],
      [{ peers: web, insecure: true }, new RegExp(`${web}: `)],
      [{ peers: web.replace("http:", "https:") }, /does not speak TLS/],
      [{ peers: [nobody, web], insecure: true }, new RegExp(`${nobody}: .*; ${web}: `)],
      [{ tls_ca_file: strangersCa, insecure: true }, /not signed by an authority of tls_ca_file/],
      [{ peers: peer.replace("https:", "http:"), insecure: true }, /closed the connection/],
    ];
    await Promise.all(
      cases.map(async ([keys, message]) => {
        const failure = await open(etcd, { ...quick, ...keys }).then(
          () => assert.fail(`${JSON.stringify(keys)} was accepted`),
          (error: unknown) => error,
        );
        assert.ok(hasCode(failure, "unavailable"), errorMessage(failure));
        assert.match(errorMessage(failure), message);
      }),
    );
    http.closeAllConnections();
    http.close();
  });

  it("starts at once where one of several peers is not there", async () => {
    const [port] = await freePorts(1);
    const storage = await open(etcd, {
      prefix: freshPrefix(),
      peers: [`https://127.0.0.1:${port}`, ...etcd.peers],
    });
    await storage.put({ key: "/a", value: Buffer.from("1") });
    await storage.close();
  });

  it("names a file that cannot be used", async () => {
    const junk = path.join(etcd.folder, "junk.pem");
    await writeFile(junk, "no certificate");
    const files = etcd.certificates;
    for (const [keys, message] of [
      [{ tls_ca_file: "/nowhere/ca.pem" }, /\/nowhere\/ca\.pem cannot be read/],
      [{ tls_ca_file: junk }, /tls_ca_file .* holds no certificate/],
      [{ tls_key_file: files?.serverKey }, /is no private key of tls_cert_file/],
    ] as const) {
      await assert.rejects(open(etcd, { prefix: freshPrefix(), ...keys }), (error) => {
        assert.ok(hasCode(error, "bad_parameter"));
        assert.match(errorMessage(error), message);
        return true;
      });
    }
  });

  it("uses new certificates for new connections, and keeps the old ones where the new file is bad", async () => {
    const ca = path.join(etcd.folder, "changing-ca.pem");
    await copyFile(etcd.certificates?.ca ?? "", ca);
    const said: string[] = [];
    const storage = await open(
      etcd,
      { prefix: freshPrefix(), tls_ca_file: ca },
      { log: logger(said), clock: hurried },
    );
    await writeFile(ca, "rubbish");
    await until(() => said.some((line) => /warn.*cannot be used/.test(line)));
    await storage.put({ key: "/a", value: Buffer.from("1") });
    // With another authority the server is not believed any more: so the file was read.
    await copyFile(strangersCa, ca);
    await until(() => said.some((line) => /info.*have changed/.test(line)));
    const read = storage.get("/a").then(() => "read", errorMessage);
    assert.equal(await Promise.race([read, pause(500, "nothing")]), "nothing");
    await copyFile(etcd.certificates?.ca ?? "", ca);
    assert.equal(await read, "read");
    await storage.close();
  });

  describe("with users", () => {
    let users: EtcdCluster;
    let password: string;
    const prefix = "/teleport";
    const keys = () => ({ prefix, username: "teleport", password_file: password });

    before(async () => {
      users = await startEtcd({ tls: true, withoutClientCertificate: true });
      password = path.join(users.folder, "password");
      await writeFile(password, "first\n");
      await users.enableUsers("teleport", "first", prefix);
    });
    after(() => users?.dispose());

    it("logs in, stays within its permissions, and outlives a restart and a new password", async () => {
      const none = { tls_cert_file: undefined, tls_key_file: undefined };
      const storage = await open(users, { ...keys(), ...none });
      const watch = storage.watch(["/"])[Symbol.asyncIterator]();
      await watch.next();
      await storage.put({ key: "/a", value: Buffer.from("1"), expires: new Date(Date.now() + 60_000) });
      assert.equal(((await watch.next()).value as StorageEvent).type, "put");

      // Tokens live in the member's memory: the watch and the calls must log in again.
      await users.members[0]?.restart();
      await storage.put({ key: "/b", value: Buffer.from("1") });
      assert.equal(((await watch.next()).value as StorageEvent).type, "put");

      await changePassword(users, "second");
      await writeFile(password, "second\n");
      await storage.put({ key: "/c", value: Buffer.from("1") });
      assert.equal(((await watch.next()).value as StorageEvent).type, "put");
      await storage.close();

      await writeFile(password, "wrong\n");
      await assert.rejects(
        open(users, { ...keys(), ...none }),
        /user name or password is wrong|username and password_file/,
      );
      await writeFile(password, "second\n");
      await assert.rejects(
        open(users, { ...keys(), ...none, prefix: "/other" }),
        /denies us the keys of our prefix|permission denied/,
      );
    });
  });
});

/** Looks at files every few hundred milliseconds instead of every few seconds. */
const hurried: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(ms >= 5000 ? ms / 25 : ms, signal),
};

async function changePassword(etcd: EtcdCluster, password: string): Promise<void> {
  await etcd.ctl("user", "delete", "teleport");
  await etcd.ctl("user", "add", `teleport:${password}`);
  await etcd.ctl("user", "grant-role", "teleport", "clients");
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, "it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function logger(lines: string[]): Logger {
  const note = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const log: Logger = {
    debug: note("debug"),
    info: note("info"),
    warn: note("warn"),
    error: note("error"),
    child: () => log,
  };
  return log;
}
