import assert from "node:assert/strict";
import { onSessionNews } from "../../../../core/cli/tsh/session-news.js";
import type { TerminalSize } from "../../../../core/cli/tsh/remote-process.js";
import { Loopback } from "../../ssh/loopback.js";

describe("the news of a shared session", () => {
  it("tells of parties and sizes, and of nothing that is made up", async () => {
    const loopback = await Loopback.create();
    const connection = await loopback.connect();
    const lines: string[] = [];
    const sizes: TerminalSize[] = [];
    onSessionNews(connection, { told: (line) => lines.push(line), resized: (size) => sizes.push(size) });
    const tell = (event: unknown): Promise<Buffer | undefined> =>
      loopback.accepted[0]!.globalRequest(
        "x-teleport-event",
        true,
        Buffer.from(typeof event === "string" ? event : JSON.stringify(event)),
      );
    await tell({ event: "session.join", user: "bob\u001b[2J" });
    await tell({ event: "resize", size: "100:30" });
    await tell({ event: "session.leave", user: "bob" });
    for (const odd of [
      "{",
      "null",
      "[]",
      { event: "resize", size: "0:1" },
      { event: "resize", size: "99999:1" },
    ]) {
      assert.ok((await tell(odd)) !== undefined, "odd events are answered like all");
    }
    assert.deepEqual(lines, ["bob\\u001b[2J has joined the session", "bob has left the session"]);
    assert.deepEqual(sizes, [{ columns: 100, rows: 30 }]);
    connection.disconnect("bye");
    await loopback.server.close();
  });
});
