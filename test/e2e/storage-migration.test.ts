/** A cluster that moves between storages while it is used, and what is refused before anything changes. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { AuthApi } from "../../core/auth/client/api.js";
import { openPluginHost, runPlugin } from "../../core/plugin/host.js";
import { silentLogger, systemClock } from "../../core/plugin/index.js";
import type { StorageMove, StorageStatus, StorageVerification } from "../../core/resources/storage-status.js";
import type { SshConnection } from "../../core/ssh/contract.js";
import { dynamoLocal, freshTable, needDynamo } from "../kit/dynamodb.js";
import { needEtcd, startEtcd, type EtcdCluster } from "../kit/etcd.js";
import { temporaryFolder } from "../kit/paths.js";
import { withAdmin } from "./kit/admin.js";
import { ApiWriters, lockMessages } from "./kit/api-writers.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { connectToNode, signerOf } from "./kit/direct.js";
import { EchoSessions } from "./kit/echo-sessions.js";
import { ours, run, type Outcome } from "./kit/programs.js";
import { withStorage } from "./kit/storage-files.js";
import { addUser, sshClient } from "./kit/users.js";
import { LOGIN } from "./kit/ways.js";

/** Few enough for a busy machine; npm run bench measures the pause with many. */
const ITEMS = 2_000;
const WRITES_PER_SECOND = 500;
/** Budgets of the write pause, ten times: the machine may be busy. */
const PAUSE_MS = 2_500;
const PAUSE_TO_DYNAMO_MS = 20_000;

const reload = (file: string, ...flags: string[]): Promise<Outcome> =>
  run(ours("teleport"), ["reload", "-c", file, ...flags], { timeoutMs: 150_000 });

describe("e2e: a cluster that moves to another storage", function () {
  this.timeout(400_000);
  let etcd: EtcdCluster | undefined;
  let folder: string;
  let removeFolder: () => Promise<void>;
  let daemon: Daemon;
  before(async function () {
    needEtcd(this);
    needDynamo(this);
    ({ folder, remove: removeFolder } = await temporaryFolder());
    etcd = await startEtcd();
    await fill(path.join(folder, "first"));
    daemon = await startDaemon({ teleport: { storage: { type: "dir", path: path.join(folder, "first") } } });
  });
  after(async () => {
    await daemon?.remove();
    await etcd?.dispose();
    await removeFolder?.();
  });
  const status = async (): Promise<StorageStatus> =>
    JSON.parse(await daemon.tctl("storage", "status", "--format=json")) as StorageStatus;

  it("goes from dir to etcd to DynamoDB and back to dir under writes, sessions and watches", async () => {
    const { settings: dynamo } = await dynamoLocal();
    const legs = [
      {
        name: "etcd",
        storage: { type: "etcd", ...etcd!.settings({ prefix: "/moved" }) },
        pauseMs: PAUSE_MS,
        by: "reload",
      },
      {
        name: "dynamodb",
        storage: { ...dynamo, table_name: freshTable("moved") },
        pauseMs: PAUSE_TO_DYNAMO_MS,
        by: "tctl",
      },
      {
        name: "dir",
        storage: { type: "dir", path: path.join(folder, "last") },
        pauseMs: PAUSE_MS,
        by: "reload",
      },
    ];
    const user = await addUser(daemon, "alice", LOGIN);
    const signer = signerOf(await sshClient(daemon, user.name, LOGIN));
    const connections: SshConnection[] = [];
    for (let n = 0; n < 5; n++) connections.push(await connectToNode(daemon, signer));
    const sessions = await EchoSessions.open(connections, 10);
    await withAdmin(daemon, async (api) => {
      const stopWatch = new AbortController();
      const watched = new WatchedLocks(api, stopWatch.signal);
      const writers = new ApiWriters(api, WRITES_PER_SECOND);
      for (const { name, storage, pauseMs, by } of legs) {
        const before = { writes: writers.writes, echoes: sessions.echoes };
        const file = withStorage(daemon, name, storage);
        if (by === "reload") {
          const { code, stdout, stderr } = await reload(file);
          assert.equal(code, 0, stderr);
          assert.match(stdout, /^teleport\.storage: moved while serving \(from .* to .*\)\n.*\nDone\.\n$/);
        } else {
          const move = JSON.parse(
            await daemon.tctl("storage", "migrate", `--to=${file}`, "--format=json"),
          ) as StorageMove;
          assert.equal(move.phase, "committed");
        }
        const { backend, move, edit } = await status();
        const report = move!.report!;
        console.log(
          `      to ${name}: ${report.items} items in ${report.total_ms} ms, writes waited ${report.pause_ms} ms`,
        );
        assert.equal(backend, name);
        assert.equal(edit === undefined, by === "reload", edit);
        assert.ok(report.items > ITEMS);
        assert.ok(report.pause_ms < pauseMs, `writes waited ${report.pause_ms} ms`);
        assert.ok(writers.writes > before.writes && sessions.echoes > before.echoes);
        await daemon.audited(
          ({ event, id, code }) => event === "storage.move.end" && id === move!.id && code === "TSM01I",
        );
      }
      await writers.stop();
      await writers.check(api);
      await watched.reach(writers.locks);
      stopWatch.abort();
      console.log(`      ${writers.writes} writes, ${sessions.echoes} echoes in ${sessions.count} sessions`);
    });
    await sessions.stop();
    for (const connection of connections) connection.disconnect("done");
  });

  it("reads every item, says what there is, and finds nothing wrong", async () => {
    const verify = (...args: string[]): Promise<Outcome> => daemon.runTctl(["storage", "verify", ...args]);
    const found = JSON.parse((await verify("--format=json")).stdout) as StorageVerification;
    assert.equal(found.backend, "dir");
    assert.equal(found.damaged_items, 0);
    assert.match(found.digest, /^[0-9a-f]{64}$/);
    const counts = Object.fromEntries(found.kinds.map(({ kind, items }) => [kind, items]));
    assert.equal(counts["user"], 1);
    assert.ok(counts["token"]! > 10);
    // The first store has been left by everything that was written since.
    const against = await verify(`--against=${daemon.configFile}`);
    assert.equal(against.code, 1);
    assert.match(against.stderr, /^error: \d+ items differ: /);
    assert.match(against.stdout, /\/tokens\/\*/);
    assert.doesNotMatch(against.stdout, /written-1-/);
  });

  it("is followed after a restart with the old settings, with a warning that names the edit", async () => {
    await daemon.stop();
    await daemon.restart();
    const edit = `set teleport.storage to {type: dir, path: "${path.join(folder, "last")}"}`;
    await daemon.logged(edit);
    assert.equal((await status()).edit, edit);
    assert.match(await daemon.tctl("storage", "status"), /teleport\.yaml +differs on node1: set teleport/);
    // What the file says now is where the cluster is.
    const file = withStorage(daemon, "last", { type: "dir", path: path.join(folder, "last") });
    assert.equal((await reload(file)).code, 0);
    assert.equal((await status()).edit, undefined);
  });

  it("plans a reload without touching anything, and names what needs a restart", async () => {
    const file = withStorage(daemon, "plan", {
      type: "dir",
      path: path.join(folder, "plan"),
      audit_sessions_uri: `file://${folder}/recordings`,
    });
    const { code, stdout } = await reload(file, "--dry-run");
    assert.equal(code, 0);
    assert.match(stdout, /^teleport\.storage: moved while serving /);
    assert.match(stdout, /^teleport\.storage\.audit_sessions_uri: needs a restart /m);
    assert.match(stdout, /Nothing was changed: this was a dry run\.\n$/);
    assert.ok(!existsSync(path.join(folder, "plan")));
    daemon.child.kill("SIGHUP");
    await daemon.logged("run teleport reload");
  });

  describe("that is refused", () => {
    let before: { readonly backend: string; readonly epoch: number; readonly items: number };
    const place = async (): Promise<typeof before> => {
      const { backend, epoch } = await status();
      const { items } = JSON.parse(
        await daemon.tctl("storage", "verify", "--format=json"),
      ) as StorageVerification;
      return { backend, epoch, items };
    };
    beforeEach(async () => (before = await place()));
    /** Both ways lead to one clear line and exit code 1, and nothing has changed. */
    const refused = async (file: string, why: RegExp): Promise<void> => {
      for (const { code, stderr } of [
        await daemon.runTctl(["storage", "migrate", `--to=${file}`]),
        await reload(file),
      ]) {
        assert.equal(code, 1);
        assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
        assert.match(stderr, why);
      }
      const { backend, epoch, items } = await place();
      // Heartbeats of sessions that are over may have gone meanwhile, and audit adds owners.
      assert.deepEqual([backend, epoch], [before.backend, before.epoch]);
      assert.ok(items >= ITEMS);
    };

    it("for a broken file, with line and column", async () => {
      const file = withStorage(daemon, "broken", { type: "dir", pathh: "/x" });
      await refused(
        file,
        /broken\.yaml:\d+:\d+: unrecognized configuration key: 'pathh', did you mean 'path'\?/,
      );
      writeFileSync(file, "teleport: {");
      await refused(file, /broken\.yaml:\d+:\d+: /);
    });

    it("for the storage that the cluster is in, however it is named", async () => {
      const link = path.join(folder, "link");
      if (!existsSync(link)) execFileSync("ln", ["-s", path.join(folder, "last"), link]);
      const file = withStorage(daemon, "same", { type: "dir", path: link });
      await refused(file, /the target is the storage that the cluster is in already/);
    });

    it("for a storage that holds another cluster, which stays as it is", async () => {
      const other = await startDaemon({
        teleport: { storage: { type: "dir", path: path.join(folder, "other") } },
        auth_service: { cluster_name: "other.test" },
        ssh_service: { enabled: "no" },
        proxy_service: { enabled: "no" },
      });
      await other.remove();
      const file = withStorage(daemon, "other", { type: "dir", path: path.join(folder, "other") });
      await refused(file, /the target holds the cluster other\.test \([-0-9a-f]+\): name an empty one/);
    });

    it("for servers that do not answer, or do not know who asks", async () => {
      const away = { type: "etcd", peers: ["http://127.0.0.1:1"], insecure: true, dial_timeout: "2s" };
      await refused(withStorage(daemon, "away", away), /plugin storage\.etcd failed in phase start: /);
      const secured = await startEtcd({ tls: true });
      try {
        const {
          tls_cert_file: _,
          tls_key_file: __,
          ...strange
        } = secured.settings({}) as Record<string, unknown>;
        await refused(
          withStorage(daemon, "strange", { type: "etcd", ...strange }),
          /plugin storage\.etcd failed in phase start: /,
        );
      } finally {
        await secured.dispose();
      }
    });

    it("for a disk without enough room", async function () {
      if (process.getuid?.() !== 0) this.skip();
      const small = path.join(folder, "small");
      mkdirSync(small, { mode: 0o700 });
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", small]);
      try {
        await refused(
          withStorage(daemon, "small", { type: "dir", path: path.join(small, "store") }),
          /the cluster stays where it is|disk|full/,
        );
        assert.deepEqual(
          readdirSync(path.join(small, "store")).filter((name) => !name.startsWith("sqlite.db")),
          [],
        );
        const { move } = await status();
        assert.match(move!.reason!, /full|space/);
      } finally {
        await pause(100);
        execFileSync("umount", ["-l", small]);
      }
    });
  });
});

/** Follows locks by a watch. */
class WatchedLocks {
  readonly #locks = new Map<string, string>();
  #changed: () => void = () => undefined;

  constructor(api: AuthApi, signal: AbortSignal) {
    void this.#follow(api, signal).catch(() => undefined);
  }

  /** Resolves when the watch has shown just these. */
  async reach(expected: Readonly<Record<string, string>>): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const seen = Object.fromEntries([...this.#locks].sort());
      try {
        assert.deepEqual(seen, Object.fromEntries(Object.entries(expected).sort()));
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await Promise.race([new Promise<void>((resolve) => (this.#changed = resolve)), pause(1_000)]);
    }
  }

  async #follow(api: AuthApi, signal: AbortSignal): Promise<void> {
    for await (const event of api.watch([{ kind: "lock" }], signal)) {
      if (event.type === "put") {
        for (const [name, message] of Object.entries(lockMessages([event.resource as never]))) {
          this.#locks.set(name, message);
        }
      } else if (event.type === "delete") this.#locks.delete(event.name);
      this.#changed();
    }
  }
}

/** Puts many small items into a dir store that no cluster is in yet. */
async function fill(directory: string): Promise<void> {
  const definition = await (await openPluginHost([], directory)).definition("storage", "dir");
  const store = await runPlugin(definition, definition.schema.parse({ path: directory, sync: "OFF" }), {
    ...{ log: silentLogger, clock: systemClock, dataDir: directory, hostId: "filler", hostname: "filler" },
  });
  const value = Buffer.from(JSON.stringify({ host_id: "11111111-1111-4111-8111-111111111111" }));
  const expires = new Date(Date.now() + 24 * 3_600_000);
  for (let n = 0; n < ITEMS; n += 500) {
    const keys = Array.from({ length: 500 }, (_, i) => `/extensions/session_owners/filled-${n + i}`);
    await Promise.all(keys.map((key) => store.product.put({ key, value, expires })));
  }
  await store.close();
}
