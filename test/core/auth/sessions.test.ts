import assert from "node:assert/strict";
import type { SessionSlice } from "../../../core/auth/client/api.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";

const NODE = "22222222-2222-4222-8222-222222222222";
const OTHER = "33333333-3333-4333-8333-333333333333";
const SESSION = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";

describe("live sessions", () => {
  let auth: AuthFixture;

  beforeEach(async () => {
    auth = await startAuth();
    await auth.as("Node", NODE).createSession(session);
  });
  afterEach(() => auth.close());

  const session = {
    id: SESSION,
    namespace: "default",
    parties: null,
    terminal_params: { w: 80, h: 25 },
    login: "root",
    created: "2026-11-22T12:00:00Z",
    last_active: "2026-11-22T12:00:00Z",
    server_id: NODE,
  };
  const party = {
    id: "p1",
    remote_addr: "192.0.2.1:4000",
    user: "alice",
    server_id: NODE,
    last_active: "2026-11-22T12:00:10Z",
  };
  const update = (rest: object) => ({
    id: SESSION,
    namespace: "default",
    terminal_params: null,
    parties: null,
    ...rest,
  });

  it("live half a minute from their last refresh", async () => {
    const node = auth.as("Node", NODE);
    auth.clock.advance(20_000);
    await node.updateSession(update({ parties: [party] }));
    auth.clock.advance(20_000);
    assert.deepEqual((await node.getSession("default", SESSION)).parties, [party]);
    auth.clock.advance(20_000);
    assert.deepEqual(await node.getSessions("default"), []);
    await assert.rejects(node.updateSession(update({})), { code: "not_found" });
  });

  it("lose no change of two at once", async () => {
    const node = auth.as("Node", NODE);
    await Promise.all([
      node.updateSession(update({ parties: [party] })),
      node.updateSession(update({ terminal_params: { w: 120, h: 40 } })),
    ]);
    const { parties, terminal_params: terminal } = await node.getSession("default", SESSION);
    assert.deepEqual(parties, [party]);
    assert.deepEqual(terminal, { w: 120, h: 40 });
  });

  it("are changed and ended only by the host that serves them", async () => {
    const other = auth.as("Node", OTHER);
    await assert.rejects(other.updateSession(update({})), { code: "access_denied" });
    await assert.rejects(other.deleteSession("default", SESSION), { code: "access_denied" });
    await auth.as("Node", NODE).deleteSession("default", SESSION);
    assert.deepEqual(await auth.asUser("alice").getSessions("default"), []);
  });

  it("are created once", async () => {
    await assert.rejects(auth.as("Node", NODE).createSession(session), { code: "already_exists" });
  });
});

describe("audit events of hosts", () => {
  let auth: AuthFixture;

  beforeEach(async () => {
    auth = await startAuth();
  });
  afterEach(() => auth.close());

  const slice = (data: object, rest: Partial<SessionSlice> = {}): SessionSlice => ({
    namespace: "default",
    sessionId: SESSION,
    version: 3,
    chunks: [
      {
        timeUnixNs: 1795342739123456789n,
        data: Buffer.from(JSON.stringify(data)),
        eventType: "session.start",
        eventIndex: 4,
        chunkIndex: 0,
        offset: 0,
        delayMs: 0,
      },
    ],
    ...rest,
  });

  it("in a slice get the session, the index and the time of their chunk", async () => {
    await auth
      .as("Node", NODE)
      .postSessionSlice(slice({ code: "T2000I", login: "root", server_id: NODE, sid: "x" }));
    assert.deepEqual(auth.events, [
      {
        code: "T2000I",
        login: "root",
        server_id: NODE,
        event: "session.start",
        sid: SESSION,
        namespace: "default",
        ei: 4,
        time: new Date(1795342739123).toISOString(),
      },
    ]);
  });

  it("that speak for another host are refused whole", async () => {
    const own = slice({ code: "T2000I", server_id: NODE });
    const forged = slice({ code: "T2000I", server_id: OTHER });
    const mixed = { ...own, chunks: [...own.chunks, ...forged.chunks] };
    await assert.rejects(auth.as("Node", NODE).postSessionSlice(mixed), { code: "access_denied" });
    await assert.rejects(
      auth.as("Node", NODE).emitAuditEvent({ event: "exec", code: "T3002I", server_id: OTHER }),
      { code: "access_denied" },
    );
    assert.deepEqual(auth.events, []);
  });

  it("of a kind that hosts do not see are refused", async () => {
    const forged = [
      { event: "user.login", code: "T1000I", user: "ceo", time: "2020-01-01T00:00:00Z" },
      { event: "session.upload", code: "T2005I", sid: SESSION },
      { event: "exec", code: "T1000I" },
      { event: "no.such", code: "T9999I" },
    ];
    for (const role of ["Node", "Proxy"] as const) {
      for (const event of forged) {
        await assert.rejects(auth.as(role, NODE).emitAuditEvent(event), { code: "access_denied" });
      }
    }
    assert.deepEqual(auth.events, []);
  });

  it("name the host that sent them", async () => {
    await auth.as("Node", NODE).emitAuditEvent({ event: "port", code: "T3003I" });
    assert.equal(auth.events[0]?.["server_id"], NODE);
  });

  it("of a session come from the host that began it, also at the next auth server", async () => {
    await auth.as("Node", NODE).postSessionSlice(slice({ code: "T2000I" }));
    await assert.rejects(auth.as("Node", OTHER).postSessionSlice(slice({ code: "T2000I" })), {
      code: "access_denied",
    });
    const restarted = await startAuth({}, { storage: auth.storage, clock: auth.clock });
    const end = { event: "session.end", code: "T2004I", sid: SESSION };
    await assert.rejects(restarted.as("Node", OTHER).emitAuditEvent(end), { code: "access_denied" });
    await restarted.as("Node", NODE).emitAuditEvent(end);
    assert.equal(restarted.events.length, 1);
    await restarted.close();
  });

  it("of a session go to one of two hosts that begin it at once", async () => {
    const start = { event: "session.start", code: "T2000I", sid: SESSION };
    const both = [NODE, OTHER].map((host) => auth.as("Node", host).emitAuditEvent(start));
    const statuses = (await Promise.allSettled(both)).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), ["fulfilled", "rejected"]);
  });

  it("keep a time of the last week, and no other", async () => {
    const now = auth.clock.now();
    const at = (offsetMs: number): string => new Date(now.getTime() + offsetMs).toISOString();
    const day = 24 * 3_600_000;
    const kept = [at(0), at(-6 * day), at(4 * 60_000)];
    for (const time of [...kept, at(-8 * day), at(6 * 60_000), "1999-12-31T23:59:59Z", "never"]) {
      await auth.as("Node", NODE).emitAuditEvent({ event: "exec", code: "T3002I", time });
    }
    assert.deepEqual(
      auth.events.map(({ time }) => time),
      [...kept, at(0), at(0), at(0), at(0)],
    );
    const [chunk] = slice({ code: "T2000I" }).chunks;
    const old = { ...chunk!, timeUnixNs: 946_684_799_000_000_000n };
    await auth.as("Node", NODE).postSessionSlice(slice({}, { chunks: [old] }));
    assert.equal(auth.events.at(-1)?.["time"], at(0));
  });

  it("that cannot be read are refused", async () => {
    const garbled = slice({});
    const broken = garbled.chunks.map((chunk) => ({ ...chunk, data: Buffer.from("{") }));
    for (const bad of [garbled, { ...garbled, chunks: broken }, slice({ code: "T2000I" }, { version: 2 })]) {
      await assert.rejects(auth.as("Node", NODE).postSessionSlice(bad), { code: "bad_parameter" });
    }
  });

  it("are reported as lost where they cannot be written", async () => {
    auth.failAudit(true);
    await assert.rejects(
      auth.as("Node", NODE).emitAuditEvent({ event: "exec", code: "T3002I" }),
      /audit log is full/,
    );
  });
});
