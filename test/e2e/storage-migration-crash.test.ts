/** Auth servers that are killed in every phase of a move, and then started again; and two of them on one store. */
import assert from "node:assert/strict";
import { copyFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { StorageStatus } from "../../core/resources/storage-status.js";
import { temporaryFolder } from "../kit/paths.js";
import { withAdmin } from "./kit/admin.js";
import { ApiWriters } from "./kit/api-writers.js";
import { startDaemon, type Daemon, type Overrides } from "./kit/daemon.js";
import { held, heldBackend, hold, holdFiles, type HoldPoint } from "./kit/held-backend.js";
import { ours, run } from "./kit/programs.js";
import { withStorage } from "./kit/storage-files.js";

const RECORD = "/extensions/storage/migration";
const MARK = "/extensions/storage/mark";
/** Where the daemon is killed, and whether the cluster has moved by then. */
const POINTS: readonly (HoldPoint & { readonly phase: string; readonly moved: boolean })[] = [
  { phase: "while it copies", key: "/authorities/", holds: "", moved: false },
  { phase: "before writes are held back", key: RECORD, holds: '"phase":"freezing"', moved: false },
  { phase: "while writes are held back", key: MARK, holds: '"phase":"ready"', moved: false },
  { phase: "before the commit", key: RECORD, holds: '"phase":"committed"', moved: false },
  { phase: "after the commit", key: RECORD, holds: '"phase":"committed"', after: true, moved: true },
  { phase: "before the end is written down", key: MARK, holds: '"phase":"serving"', moved: true },
];

const AUTH_ONLY: Overrides = { ssh_service: { enabled: "no" }, proxy_service: { enabled: "no" } };

describe("e2e: auth servers that die while the cluster moves", function () {
  this.timeout(180_000);
  let folder: string;
  let removeFolder: () => Promise<void>;
  let plugin: string;
  const daemons: Daemon[] = [];
  before(async () => {
    ({ folder, remove: removeFolder } = await temporaryFolder());
    plugin = heldBackend(folder);
  });
  afterEach(async () => {
    for (const daemon of daemons.splice(0)) await daemon.remove();
    for (const file of holdFiles(folder)) rmSync(file, { force: true });
  });
  after(() => removeFolder());

  const store = (name: string): Record<string, unknown> => ({ type: "held", path: path.join(folder, name) });
  const start = async (name: string, nodename = "node1"): Promise<Daemon> => {
    const daemon = await startDaemon({
      ...AUTH_ONLY,
      teleport: { nodename, plugins: [plugin], storage: store(name) },
    });
    daemons.push(daemon);
    return daemon;
  };
  const status = (daemon: Daemon): Promise<StorageStatus> =>
    withAdmin(daemon, (api) => api.getStorageStatus());
  const isIn = ({ settings }: StorageStatus, name: string): boolean =>
    settings.includes(`"${path.join(folder, name)}"`);
  const arrived = (daemon: Daemon, name: string): Promise<void> =>
    withAdmin(daemon, async (api) => {
      const deadline = Date.now() + 60_000;
      while (!isIn(await api.getStorageStatus(), name)) {
        assert.ok(Date.now() < deadline, `the cluster is not in ${name}`);
        await pause(100);
      }
    });

  it("lose nothing, whether they are started with the old or the new settings", async () => {
    const daemon = await start("0");
    let place = 0;
    let next = 1;
    for (const settings of ["old", "new"] as const) {
      for (const { phase, moved, ...point } of POINTS) {
        const what = `killed ${phase}, then started with the ${settings} settings`;
        const target = String(next++);
        const file = withStorage(daemon, "target", store(target));
        // Afterwards the file says where the cluster was.
        copyFileSync(withStorage(daemon, "source", store(String(place))), daemon.configFile);
        await withAdmin(daemon, async (api) => {
          const writers = new ApiWriters(api, 50);
          hold(folder, point);
          const migrating = run(ours("teleport"), ["reload", "-c", file]);
          await held(folder);
          await daemon.stop("SIGKILL");
          assert.equal((await migrating).code, 1, what);
          // Those that were on the way fail, and their fate is unknown: only what was acknowledged counts.
          await writers.stop().catch(() => undefined);
          for (const left of holdFiles(folder)) rmSync(left, { force: true });
          if (settings === "new") copyFileSync(file, daemon.configFile);
          await daemon.restart();
          await writers.checkAcknowledged(api);
        });
        const expected = moved || settings === "new" ? target : String(place);
        await arrived(daemon, expected);
        const { edit } = await status(daemon);
        assert.equal(edit === undefined, settings === "new" || !moved, `${what}: ${edit}`);
        if (settings === "old") {
          const outcome = moved ? "TSM01I" : "TSM01W";
          await daemon.audited(({ event, code }) => event === "storage.move.end" && code === outcome);
        }
        place = Number(expected);
      }
    }
    assert.equal((await daemon.runTctl(["storage", "verify"])).code, 0);
  });

  it("go over together where two use the store, also when the leader dies right after the commit", async () => {
    const one = await start("two-a", "one");
    const two = await start("two-a", "two");
    await withAdmin(two, async (api) => {
      const writers = new ApiWriters(api, 50);
      await one.tctl("storage", "migrate", `--to=${withStorage(one, "b", store("two-b"))}`);
      await arrived(two, "two-b");
      assert.deepEqual((await status(two)).members.map(({ name, alive }) => [name, alive]).sort(), [
        ["one", true],
        ["two", true],
      ]);
      hold(folder, { key: RECORD, holds: '"phase":"committed"', after: true });
      const migrating = run(ours("teleport"), ["reload", "-c", withStorage(one, "c", store("two-c"))]);
      await held(folder);
      await one.stop("SIGKILL");
      await migrating;
      await arrived(two, "two-c");
      for (const file of holdFiles(folder)) rmSync(file, { force: true });
      await one.restart();
      await arrived(one, "two-c");
      await writers.stop();
      await writers.check(api);
    });
  });

  it("stay together where the leader dies while writes are held back", async () => {
    const one = await start("stay-a", "one");
    const two = await start("stay-a", "two");
    await withAdmin(two, async (api) => {
      const writers = new ApiWriters(api, 20);
      hold(folder, { key: MARK, holds: '"phase":"ready"' });
      const migrating = run(ours("teleport"), ["reload", "-c", withStorage(one, "b", store("stay-b"))]);
      await held(folder);
      const writes = writers.writes;
      await one.stop("SIGKILL");
      await migrating;
      // The follower waits until the leader is known to be dead, then decides.
      const deadline = Date.now() + 90_000;
      while (writers.writes === writes && Date.now() < deadline) await pause(100);
      await writers.stop();
      await writers.check(api);
      const { move } = await status(two);
      assert.deepEqual([move?.phase, move?.reason], ["aborted", "its leader does not answer"]);
      assert.ok(isIn(await status(two), "stay-a"));
      await two.audited(({ event, code }) => event === "storage.move.end" && code === "TSM01W");
    });
  });
});
