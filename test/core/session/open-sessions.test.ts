import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PendingAuditEvent } from "../../../core/audit/catalogue.js";
import { OpenSessions } from "../../../core/session/open-sessions.js";
import { silentLogger } from "../../../core/plugin/logger.js";

describe("open sessions", () => {
  const end = { event: "session.end", code: "T2004I", sid: "s1", interrupted: true };
  let directory: string;
  let recovered: PendingAuditEvent[];
  const recover = (): Promise<void> =>
    new OpenSessions(directory, silentLogger).recover((event) => Promise.resolve(void recovered.push(event)));

  /** Makes the note look as if a process that has ended had written it. */
  const orphan = async (name: string): Promise<void> => {
    const file = join(directory, name);
    const note = JSON.parse(await readFile(file, "utf8")) as {
      readonly writer: Readonly<Record<string, unknown>>;
    };
    await writeFile(file, JSON.stringify({ ...note, writer: { ...note.writer, bootId: "another boot" } }));
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "open-sessions-"));
    recovered = [];
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("gives those that a dead process left an end, once", async () => {
    await new OpenSessions(directory, silentLogger).add("s1", end);
    await recover();
    assert.deepEqual(recovered, [], "a running process ends its sessions itself");
    await orphan("s1");
    await recover();
    await recover();
    assert.equal(recovered.length, 1);
    assert.deepEqual(recovered[0], { ...end, uid: recovered[0]?.["uid"] });
  });

  it("forgets those that have ended", async () => {
    const sessions = new OpenSessions(directory, silentLogger);
    void sessions.add("s1", end);
    await sessions.remove("s1");
    await sessions.remove("never added");
    assert.deepEqual(await readdir(directory), []);
  });

  it("keeps what could not be audited, and passes over what cannot be read", async () => {
    const sessions = new OpenSessions(directory, silentLogger);
    await sessions.add("s1", end);
    await orphan("s1");
    await writeFile(join(directory, "broken"), "");
    await assert.rejects(
      sessions.recover(() => Promise.reject(new Error("away"))),
      /away/,
    );
    assert.deepEqual(await readdir(directory), ["s1"]);
  });
});
