import assert from "node:assert/strict";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import { AuthServers } from "../../../../core/auth/client/auth-servers.js";
import { connectAuth } from "../../../../core/auth/client/connect.js";
import { startTestServer, type TestServer } from "../api/test-server.js";
import { TestPki } from "../api/test-pki.js";
import * as sample from "./sample-resources.js";
import { startRelay, type StoppableRelay } from "./stoppable-relay.js";

/** What moving over may take: half a second of silence, one and a half of looking, and a loaded machine. */
const PROMPT_MS = 18_000;
const S1 = "5f0c6f4e-7b0a-4b06-9a55-6a4a4d8f6c11";
const S2 = "5f0c6f4e-7b0a-4b06-9a55-6a4a4d8f6c12";

describe("several auth servers", () => {
  let pki: TestPki;
  let calls: string[];
  let servers: TestServer[];
  let relays: StoppableRelay[];
  let api: AuthApi;
  /** Makes the first server's next calls hang, after they were noted. */
  let holds: boolean;

  const behind = (name: string): Partial<AuthApi> => {
    const note = async <T>(call: string, answer: T): Promise<T> => {
      calls.push(`${name} ${call}`);
      if (holds && name === "a") await new Promise(() => undefined);
      return answer;
    };
    return {
      getRoles: () => note("getRoles", []),
      getUsers: () => note("getUsers", []),
      upsertRole: () => note("upsertRole", undefined),
      createRole: () => note("createRole", undefined),
      appendSessionJournal: (id, offset) => note(`append ${id} ${offset}`, undefined),
      finishSessionJournal: (id) => note(`finish ${id}`, undefined),
      async *watch(_kinds, signal) {
        yield { type: "init" };
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      },
    };
  };
  const since = (start: number): void => assert(Date.now() - start < PROMPT_MS, "that took too long");

  before(async () => {
    pki = await TestPki.create("wire.test");
  });
  beforeEach(async () => {
    calls = [];
    holds = false;
    servers = [await startTestServer(pki, behind("a")), await startTestServer(pki, behind("b"))];
    relays = await Promise.all(servers.map(({ address }) => startRelay(address)));
    api = connectAuth({
      addresses: new AuthServers(
        relays.map(({ address }) => address),
        () => 0,
      ),
      credentials: pki.host("Node"),
      authorities: [pki.hostAuthorityPem],
    });
    await api.getRoles();
    await api.getUsers();
    assert.deepEqual(calls, ["a getRoles", "a getUsers"]);
    calls = [];
  });
  afterEach(async () => {
    await api.close();
    for (const relay of relays) relay.close();
    await Promise.all(servers.map((server) => server.close()));
  });

  it("moves over from a killed one, also amid a call that may be repeated", async () => {
    holds = true;
    const read = api.getRoles();
    const write = api.upsertRole(sample.role);
    const rpc = api.getUsers();
    while (calls.length < 3) await new Promise((resolve) => setImmediate(resolve));
    await relays[0]!.kill();
    await Promise.all([read, write, rpc]);
    assert.deepEqual(calls.slice(3).sort(), ["b getRoles", "b getUsers", "b upsertRole"]);
  });

  it("does not repeat what may have been done", async () => {
    holds = true;
    const creating = api.createRole(sample.role);
    creating.catch(() => undefined);
    while (calls.length < 1) await new Promise((resolve) => setImmediate(resolve));
    await relays[0]!.kill();
    await assert.rejects(creating, { code: "unavailable" });
    assert.deepEqual(calls, ["a createRole"]);
    await api.createRole(sample.role);
    assert.deepEqual(calls, ["a createRole", "b createRole"]);
  });

  it("moves over from a stopped one, and stays with the other", async () => {
    const start = Date.now();
    relays[0]!.stop();
    await Promise.all([api.getRoles(), api.getUsers(), api.upsertRole(sample.role)]);
    since(start);
    assert.deepEqual(calls.sort(), ["b getRoles", "b getUsers", "b upsertRole"]);
    relays[0]!.go();
    calls = [];
    const before = relays[0]!.connections();
    await api.getRoles();
    await api.getUsers();
    // What the stopped one had received it now answers to nobody.
    assert.deepEqual(
      calls.filter((call) => call.startsWith("b")),
      ["b getRoles", "b getUsers"],
    );
    assert.equal(relays[0]!.connections(), before);
    // The one that failed is no worse than any other once this one fails.
    await relays[1]!.kill();
    await api.getRoles();
    assert.equal(calls.at(-1), "a getRoles");
  });

  it("does not send what must not be repeated into a connection that has been silent for long", async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    relays[0]!.stop();
    await api.createRole(sample.role);
    assert.deepEqual(calls, ["b createRole"]);
  });

  it("ends a watch whose server is stopped", async () => {
    const stop = new AbortController();
    const events = api.watch([{ kind: "role" }], stop.signal)[Symbol.asyncIterator]();
    await events.next();
    const start = Date.now();
    relays[0]!.stop();
    const ended = assert.rejects(events.next(), { code: "unavailable" });
    // A call that finds the server lost ends it at once; else the pings would within seconds.
    await api.getRoles();
    await ended;
    since(start);
    stop.abort();
  });

  it("leaves a server alone that is only slow", async () => {
    holds = true;
    const slow = api.createRole(sample.role);
    let isOver = false;
    slow.finally(() => (isOver = true)).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    assert.equal(isOver, false);
    assert.deepEqual(calls, ["a createRole"]);
  });

  it("sends a recording under way where it began, whatever the others do", async () => {
    await api.appendSessionJournal(S1, 0, Buffer.from("x"));
    relays[0]!.stop();
    await api.getRoles();
    assert.equal(calls.at(-1), "b getRoles");
    relays[0]!.go();
    await api.appendSessionJournal(S1, 1, Buffer.from("y"));
    await api.appendSessionJournal(S2, 0, Buffer.from("z"));
    await api.finishSessionJournal(S1);
    assert.deepEqual(
      calls.filter((call) => !call.includes("getRoles")),
      [`a append ${S1} 0`, `a append ${S1} 1`, `b append ${S2} 0`, `a finish ${S1}`],
    );
  });
});
