import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../../kit/paths.js";
import { event, sinkIn } from "./events.js";

describe("the audit files after SIGKILL", () => {
  it("hold every event that was acknowledged, and take new ones", async function () {
    this.timeout(20_000);
    const { folder, remove } = await temporaryFolder();
    try {
      const script = fileURLToPath(new URL("./crash-emitter.js", import.meta.url));
      const child = spawn(process.execPath, [script, folder], { stdio: ["ignore", "pipe", "inherit"] });
      const acknowledged: string[] = [];
      for await (const uid of createInterface({ input: child.stdout })) {
        acknowledged.push(uid);
        if (acknowledged.length === 100) child.kill("SIGKILL");
      }
      assert.ok(acknowledged.length >= 100);
      const sink = sinkIn(folder);
      await sink.start();
      await sink.emit([event(new Date().toISOString(), { uid: "after" })]);
      const found = new Set<string>();
      const query = {
        from: new Date(0),
        to: new Date(Date.now() + 60_000),
        order: "oldest-first",
        limit: 50,
      } as const;
      for (let cursor: string | undefined; ;) {
        const page = await sink.search({ ...query, cursor });
        for (const { uid } of page.events) found.add(uid);
        if (page.next === undefined) break;
        cursor = page.next;
      }
      await sink.close();
      for (const uid of [...acknowledged, "after"]) assert.ok(found.has(uid), uid);
    } finally {
      await remove();
    }
  });
});
