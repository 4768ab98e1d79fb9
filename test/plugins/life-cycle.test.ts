import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isSearchable, silentLogger, systemClock, type PluginContext } from "../../core/plugin/index.js";
import auditFile from "../../plugins/audit-file/index.js";
import auditStdout from "../../plugins/audit-stdout/index.js";
import recordingFile from "../../plugins/recording-file/index.js";
import tlsFiles from "../../plugins/tls-files/index.js";
import { temporaryFolder } from "../kit/paths.js";

describe("the life of the built-in plugins without a store", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let context: PluginContext;
  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    context = {
      log: silentLogger,
      clock: systemClock,
      dataDir: folder,
      hostId: "host-id",
      hostname: "node1",
    };
  });
  afterEach(() => remove());

  it("touches nothing in create, and can be closed at once and again", async () => {
    for (const plugin of [auditFile, auditStdout, recordingFile, tlsFiles] as const) {
      const instance = await plugin.create({}, context);
      await instance.close();
      await instance.close();
      assert.deepEqual(await readdir(folder), [], plugin.id);
    }
  });

  it("names id, kind and schema that agree", () => {
    for (const plugin of [auditFile, auditStdout, recordingFile, tlsFiles] as const) {
      assert.ok(plugin.id.startsWith(`${plugin.kind}.`));
      assert.equal(plugin.schema.safeParse({ unknown_key: 1 }).success, false, plugin.id);
    }
  });

  it("puts the audit log where 4.2 has it, and where the URI says", async () => {
    const event = { event: "exec", code: "T3002I", time: new Date().toISOString(), uid: "u" };
    const elsewhere = join(folder, "else where");
    await mkdir(elsewhere);
    for (const [uri, directory] of [
      [undefined, join(folder, "log", "host-id")],
      [pathToFileURL(elsewhere), elsewhere],
    ] as const) {
      const instance = await auditFile.create({}, { ...context, uri });
      await instance.start?.();
      assert.ok(isSearchable(instance.product));
      await instance.product.emit([event]);
      await instance.close();
      const name = (await readdir(directory)).find((file) => file.endsWith(".00:00:00.log"));
      assert.match(await readFile(join(directory, name ?? ""), "utf8"), /"uid":"u"/);
    }
  });

  it("puts recordings where 4.2 has them, and where the URI says", async () => {
    const sid = randomUUID();
    const elsewhere = join(folder, "records");
    for (const [uri, directory] of [
      [undefined, join(folder, "log", "host-id", "sessions", "default")],
      [pathToFileURL(elsewhere), elsewhere],
    ] as const) {
      const instance = await recordingFile.create({}, { ...context, uri });
      await instance.start?.();
      await instance.product.upload(
        sid,
        (async function* () {
          yield Buffer.from("tar");
        })(),
      );
      await instance.close();
      assert.deepEqual(await readdir(directory), [`${sid}.tar`]);
    }
  });

  it("refuses URIs that name a host or no folder", () => {
    for (const plugin of [auditFile, recordingFile] as const) {
      for (const uri of ["file://var/log", "file://", "file:///"]) {
        assert.throws(() => plugin.create({}, { ...context, uri: new URL(uri) }), {
          code: "bad_parameter",
        });
      }
    }
  });
});
