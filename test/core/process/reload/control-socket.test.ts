import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { badParameter } from "../../../../core/errors/error.js";
import { silentLogger } from "../../../../core/plugin/logger.js";
import { requestReload } from "../../../../core/process/reload/control-client.js";
import { openControlSocket } from "../../../../core/process/reload/control-socket.js";
import type { ReloadRequest, Say } from "../../../../core/process/reload/reloads.js";
import { temporaryFolder } from "../../../kit/paths.js";

const REQUEST: ReloadRequest = { file: { name: "/etc/teleport.yaml", text: "teleport: {}\n" }, dryRun: true };

describe("core/process/reload/control-socket", () => {
  let folder: string;
  let remove: () => Promise<void>;
  const open: { close(): Promise<void> }[] = [];
  const listen = async (dataDir: string, run: (request: ReloadRequest, say: Say) => Promise<void>) => {
    const socket = await openControlSocket(dataDir, { run }, silentLogger);
    open.push(socket);
    return socket;
  };
  const ask = async (dataDir: string): Promise<string[]> => {
    const lines: string[] = [];
    await requestReload(dataDir, REQUEST, (line) => lines.push(line));
    return lines;
  };
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(async () => {
    for (const socket of open.splice(0)) await socket.close();
    await remove();
  });

  it("hands on the request, and each line as it comes", async () => {
    let request: ReloadRequest | undefined;
    await listen(folder, async (given, say) => {
      request = given;
      say("one");
      await new Promise((resolve) => setImmediate(resolve));
      say("two");
    });
    assert.deepEqual(await ask(folder), ["one", "two"]);
    assert.deepEqual(request, REQUEST);
    assert.equal(statSync(path.join(folder, "control.sock")).mode & 0o777, 0o600);
  });

  it("hands on what was in the way, with its code", async () => {
    await listen(folder, () => Promise.reject(badParameter("not like this")));
    await assert.rejects(ask(folder), { code: "bad_parameter", message: "not like this" });
  });

  it("works in a folder whose path is too long for a socket", async () => {
    const deep = path.join(folder, "d".repeat(100), "e".repeat(100));
    mkdirSync(deep, { recursive: true });
    await listen(deep, async (_, say) => say("deep"));
    assert.deepEqual(await ask(deep), ["deep"]);
  });

  it("replaces what a dead process has left, and leaves nothing itself", async () => {
    writeFileSync(path.join(folder, "control.sock"), "");
    const socket = await listen(folder, async (_, say) => say("alive"));
    assert.deepEqual(await ask(folder), ["alive"]);
    await socket.close();
    assert.ok(!existsSync(path.join(folder, "control.sock")));
    await assert.rejects(ask(folder), { code: "unavailable", message: /no daemon runs on the data_dir/ });
  });

  it("leaves the socket to another daemon that is alive", async () => {
    await listen(folder, async (_, say) => say("first"));
    const second = await listen(folder, async (_, say) => say("second"));
    await second.close();
    assert.deepEqual(await ask(folder), ["first"]);
  });

  it("tells who asked that the daemon has ended", async () => {
    let began: () => void = () => undefined;
    const beginning = new Promise<void>((resolve) => (began = resolve));
    const socket = await listen(folder, () => {
      began();
      return new Promise(() => undefined);
    });
    const asked = ask(folder);
    asked.catch(() => undefined);
    await beginning;
    await socket.close();
    await assert.rejects(asked, { code: "unavailable" });
  });

  it("refuses what is no request, and survives who leaves in the middle", async () => {
    await listen(folder, async (_, say) => say("fine"));
    const answerTo = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = net.connect(path.join(folder, "control.sock"));
        let answer = "";
        socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
        socket.once("close", () => resolve(answer));
        socket.once("error", reject);
        socket.write(text);
      });
    assert.match(await answerTo("hello\n"), /"code":"bad_parameter","error":"the request is not JSON"/);
    assert.match(await answerTo('{"command":"stop"}\n'), /does not know this request/);
    assert.match(await answerTo('{"command":"reload","file":{}}\n'), /incomplete/);
    const leaver = net.connect(path.join(folder, "control.sock"));
    await new Promise<void>((resolve) => leaver.write("{", () => resolve()));
    leaver.destroy();
    assert.deepEqual(await ask(folder), ["fine"]);
  });
});
