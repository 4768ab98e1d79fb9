import assert from "node:assert/strict";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { openDirStorage } from "../../../plugins/backend-dir/index.js";
import { scratchDirectory } from "./scratch.js";

const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));

type Child = ChildProcessByStdio<null, Readable, null>;

describe("plugins/backend-dir: several processes", () => {
  let directory: string;
  let remove: () => Promise<void>;
  let children: Child[];
  const start = (task: string, argument = ""): Child => {
    const child = spawn(process.execPath, [CHILD, directory, task, argument], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    return child;
  };
  beforeEach(async () => {
    ({ directory, remove } = await scratchDirectory());
    children = [];
  });
  afterEach(async () => {
    children.forEach((child) => child.kill("SIGKILL"));
    await remove();
  });

  it("lose no step of a counter that both raise", async () => {
    const storage = await openDirStorage({ directory });
    await storage.create({ key: "/counter", value: Buffer.from("0") });
    const both = [start("increment", "100"), start("increment", "100")];
    for (const [code] of await Promise.all(both.map((child) => once(child, "exit")))) {
      assert.equal(code, 0);
    }
    assert.equal(Buffer.from((await storage.get("/counter")).value).toString(), "200");
    await storage.close();
  });

  it("see each other's changes without polling", async () => {
    // A clock that stands still never polls: what arrives has come by the hint of the file system.
    const storage = await openDirStorage({ directory, clock: new ManualClock(new Date()) });
    const child = start("echo");
    await once(child.stdout, "data");
    const events = storage.watch(["/pong/"])[Symbol.asyncIterator]();
    await events.next();
    for (let n = 0; n < 20; n++) {
      await storage.put({ key: `/ping/${n}`, value: Buffer.from("x") });
      const event = await events.next();
      assert.ok(!event.done && event.value.type === "put");
      assert.equal(event.value.item.key, `/pong/${n}`);
    }
    await storage.close();
  });

  it("a process sees the changes of this one", async () => {
    const storage = await openDirStorage({ directory });
    const child = start("watch", "/news/");
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, "init");
    await storage.put({ key: "/news/two", value: Buffer.from("x") });
    assert.equal((await lines.next()).value, "put /news/two");
    await once(child, "exit");
    await storage.close();
  });

  it("keep every acknowledged write when one of them is killed in the middle", async () => {
    const storage = await openDirStorage({ directory });
    const child = start("flood");
    const acknowledged: string[] = [];
    const exit = once(child, "exit");
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 300) {
        child.kill("SIGKILL");
      }
    }
    assert.equal((await exit)[1], "SIGKILL");
    // The survivor goes on, and so does one that comes later.
    await storage.put({ key: "/after", value: Buffer.from("x") });
    await storage.close();
    const again = await openDirStorage({ directory });
    assert.ok(acknowledged.length >= 300);
    for (const key of acknowledged) {
      assert.equal(Buffer.from((await again.get(key)).value).toString(), key.repeat(20));
    }
    await again.close();
    const db = new Database(join(directory, "sqlite.db"));
    assert.equal(db.pragma("integrity_check", { simple: true }), "ok");
    db.close();
  });

  it("recover a store whose only process was killed", async () => {
    const child = start("flood");
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 100) {
        child.kill("SIGKILL");
      }
    }
    const storage = await openDirStorage({ directory });
    for (const key of acknowledged) {
      assert.ok(await storage.get(key));
    }
    await storage.close();
  });
});
