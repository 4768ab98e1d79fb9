import assert from "node:assert/strict";
import type { PendingAuditEvent } from "../../../core/audit/catalogue.js";
import {
  MAX_EVENTS_PER_MINUTE,
  MAX_STRANGER_TEXT,
  RefusalAudit,
  type Refusal,
} from "../../../core/audit/refusal-audit.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import { ManualClock } from "../ssh/manual-clock.js";

describe("the audit of refused clients", () => {
  let events: PendingAuditEvent[];
  let clock: ManualClock;
  let audit: RefusalAudit;

  const refusal = (changes: Partial<Refusal> = {}): Refusal => ({
    user: "mallory",
    login: "root",
    remoteAddress: "192.0.2.1:1000",
    localAddress: "192.0.2.9:3022",
    reason: "the certificate is of no trusted authority",
    verified: false,
    ...changes,
  });

  beforeEach(() => {
    events = [];
    clock = new ManualClock();
    const emit = (event: PendingAuditEvent): Promise<void> => Promise.resolve(void events.push(event));
    audit = new RefusalAudit(emit, { log: silentLogger, clock });
  });

  it("cuts what an unverified client says, and keeps what a verified one says", async () => {
    const long = "x".repeat(30_000);
    await audit.record(refusal({ user: long, login: long, reason: long }));
    await audit.record(refusal({ reason: long, verified: true }));
    const [cut, kept] = events;
    for (const field of ["user", "login", "error"]) {
      assert.equal(String(cut?.[field]).length, MAX_STRANGER_TEXT);
    }
    assert.equal(kept?.["error"], long);
  });

  it("tells each stranger's connection once", async () => {
    await audit.record(refusal());
    await audit.record(refusal());
    await audit.record(refusal({ remoteAddress: "192.0.2.1:1001" }));
    assert.equal(events.length, 2);
  });

  it("sums up what an address does too often, minute by minute", async () => {
    const flood = async (): Promise<void> => {
      for (let port = 1; port <= MAX_EVENTS_PER_MINUTE + 30; port++) {
        await audit.record(refusal({ remoteAddress: `192.0.2.1:${port}` }));
      }
    };
    await flood();
    await audit.record(refusal({ remoteAddress: "192.0.2.2:1" }));
    assert.equal(events.length, MAX_EVENTS_PER_MINUTE + 1);
    await clock.advance(60_000);
    const sum = events.at(-1);
    assert.deepEqual([sum?.code, sum?.["addr.remote"], sum?.["count"]], ["T3007W", "192.0.2.1", 30]);
    events.length = 0;
    await flood();
    assert.equal(events.length, MAX_EVENTS_PER_MINUTE);
    await audit.close();
    assert.equal(events.at(-1)?.["count"], 30);
  });

  it("leaves out clients without a certificate", async () => {
    const { user, remoteAddress, localAddress, reason } = refusal();
    const login = { user, remoteAddress, localAddress, reason, verified: false };
    await audit.login({ ...login, certificate: undefined });
    assert.deepEqual(events, []);
    await audit.login({ ...login, certificate: { keyId: "eve" } });
    assert.equal(events[0]?.["user"], "eve");
    assert.equal(events[0]?.["login"], user);
  });
});
