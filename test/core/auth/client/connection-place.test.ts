import assert from "node:assert/strict";
import { once, EventEmitter } from "node:events";
import { takeConnectionPlace } from "../../../../core/auth/client/connection-place.js";
import { accessDenied, limitExceeded, unavailable, type CodedError } from "../../../../core/errors/error.js";
import { silentLogger } from "../../../../core/plugin/logger.js";
import { FakeClock } from "./fake-clock.js";

const LEASE_MS = 120_000;

/** An auth service that answers as a test tells it, and tells the test what it is asked. */
class FakeAuth extends EventEmitter {
  readonly held: string[] = [];
  readonly released: string[] = [];
  answer: () => Promise<{ lease_ms: number }> = async () => ({ lease_ms: LEASE_MS });

  async holdConnectionPlace({ id }: { id: string }): Promise<{ lease_ms: number }> {
    this.held.push(id);
    this.emit("held");
    return this.answer();
  }

  async releaseConnectionPlace(_user: string, id: string): Promise<void> {
    this.released.push(id);
    this.emit("released");
  }
}

/** Everything that follows from an answer has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a connection's place", () => {
  let auth: FakeAuth;
  let clock: FakeClock;
  let lost: Promise<CodedError>;
  let losses: number;
  let onLost: (reason: CodedError) => void;

  beforeEach(() => {
    auth = new FakeAuth();
    clock = new FakeClock();
    losses = 0;
    lost = new Promise((resolve) => {
      onLost = (reason) => {
        losses += 1;
        resolve(reason);
      };
    });
  });

  const take = () => takeConnectionPlace(auth, { user: "alice", max: 2, onLost, log: silentLogger, clock });

  /** Lets the time pass until the next sleeper wakes, and waits until the auth service was asked. */
  async function nextRenewal(): Promise<void> {
    const asked = once(auth, "held");
    clock.advance((await clock.sleeping())[0]!);
    await asked;
    await settled();
  }

  it("is renewed between a third and half of its lease, under one id", async () => {
    const place = await take();
    for (let i = 0; i < 3; i++) {
      const [pause] = await clock.sleeping();
      assert.ok(pause! >= LEASE_MS / 3 && pause! <= LEASE_MS / 2, String(pause));
      await nextRenewal();
    }
    assert.equal(auth.held.length, 4);
    assert.equal(new Set(auth.held).size, 1);
    await place.release();
  });

  it("is given back once, and not renewed after that", async () => {
    const place = await take();
    await clock.sleeping();
    await Promise.all([place.release(), place.release()]);
    clock.advance(10 * LEASE_MS);
    assert.equal(auth.held.length, 1);
    assert.deepEqual(auth.released, auth.held);
    assert.equal(losses, 0);
  });

  it("is refused with the text for the user", async () => {
    auth.answer = () => Promise.reject(limitExceeded("too many"));
    await assert.rejects(take(), { code: "limit_exceeded", message: "too many" });
    assert.equal(auth.held.length, 1);
  });

  it("survives an auth service that is away for less than the lease", async () => {
    const place = await take();
    auth.answer = () => Promise.reject(unavailable("away"));
    for (let i = 0; i < 3; i++) await nextRenewal();
    auth.answer = async () => ({ lease_ms: LEASE_MS });
    await nextRenewal();
    const [pause] = await clock.sleeping();
    assert.ok(pause! >= LEASE_MS / 3);
    assert.equal(losses, 0);
    await place.release();
  });

  it("is lost when the lease has run out, not before", async () => {
    const start = clock.now().getTime();
    const place = await take();
    auth.answer = () => Promise.reject(unavailable("away"));
    while (losses === 0) {
      const [pause] = await Promise.race([clock.sleeping(), lost.then(() => [])]);
      if (pause !== undefined) {
        assert.ok(clock.now().getTime() < start + LEASE_MS);
        clock.advance(pause);
        await settled();
      }
    }
    assert.equal(clock.now().getTime(), start + LEASE_MS);
    assert.equal((await lost).code, "unavailable");
    assert.match((await lost).message, /could not be renewed for 2m0s: away/);
    await place.release();
    assert.equal(losses, 1);
    assert.equal(auth.released.length, 1);
  });

  it("is lost when the auth service does not answer until the lease ends", async () => {
    await take();
    auth.answer = () => new Promise(() => undefined);
    await nextRenewal();
    clock.advance((await clock.sleeping())[0]!);
    assert.match((await lost).message, /does not answer/);
  });

  for (const refusal of [limitExceeded("too many"), accessDenied("no host any more")]) {
    it(`is lost at once when the auth service refuses with ${refusal.code}`, async () => {
      await take();
      auth.answer = () => Promise.reject(refusal);
      await nextRenewal();
      assert.equal(await lost, refusal);
    });
  }

  it("is given back after the answer to a renewal under way, which would else take it anew", async () => {
    const place = await take();
    let answered = (_lease: { lease_ms: number }): void => undefined;
    auth.answer = () => new Promise((resolve) => (answered = resolve));
    await nextRenewal();
    const released = place.release();
    await settled();
    assert.equal(auth.released.length, 0);
    answered({ lease_ms: LEASE_MS });
    await released;
    assert.equal(auth.released.length, 1);
  });

  it("is asked for again, with the same id, while the auth service is away, and given back where that fails", async () => {
    auth.answer = () => Promise.reject(unavailable("away"));
    const released = once(auth, "released");
    const taking = assert.rejects(take(), { code: "unavailable" });
    await nextRenewal();
    await nextRenewal();
    await taking;
    await released;
    assert.equal(new Set([...auth.held, ...auth.released]).size, 1);
    assert.equal(auth.held.length, 3);
  });
});
