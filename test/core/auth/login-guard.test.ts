import assert from "node:assert/strict";
import { createLoginGuard, type LoginGuard } from "../../../core/auth/login-guard.js";
import { accessDenied, unavailable } from "../../../core/errors/error.js";
import { ZERO_TIME } from "../../../core/resources/envelope.js";
import { createLoginAttemptStore } from "../../../core/resources/login-attempts.js";
import { createUserStore, type UserStore } from "../../../core/resources/users.js";
import type { User } from "../../../core/resources/user.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { MovingClock } from "./moving-clock.js";

const WRONG = { code: "access_denied", message: "wrong" };
const LOCKED = {
  code: "access_denied",
  message: "alice exceeds 5 failed login attempts, locked until Sun Nov 22 12:20 UTC",
};
const MINUTE = 60_000;

describe("the login guard", () => {
  let clock: MovingClock;
  let users: UserStore;
  let guard: LoginGuard;
  let otherServer: LoginGuard;
  let checks: number;

  beforeEach(async () => {
    clock = new MovingClock("2026-11-22T12:00:00Z");
    const storage = createMemoryStorage(clock);
    users = createUserStore(storage);
    const attempts = createLoginAttemptStore(storage);
    guard = createLoginGuard({ users, attempts, clock });
    otherServer = createLoginGuard({ users, attempts, clock });
    checks = 0;
    await users.create(alice);
  });

  const fail = (name = "alice", through = guard): Promise<void> =>
    through.attempt(name, () => {
      checks += 1;
      return Promise.reject(accessDenied("wrong"));
    });
  const succeed = (name = "alice"): Promise<string> =>
    guard.attempt(name, () => {
      checks += 1;
      return Promise.resolve("welcome");
    });
  const failTimes = async (count: number, name = "alice"): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await assert.rejects(fail(name), WRONG);
    }
  };

  it("locks with the fifth failure in a row, for twenty minutes, and says until when", async () => {
    await failTimes(4);
    await assert.rejects(fail(), LOCKED);
    assert.deepEqual((await users.get("alice")).spec.status, {
      is_locked: true,
      locked_message: "user has exceeded maximum failed login attempts",
      locked_time: ZERO_TIME,
      lock_expires: "2026-11-22T12:20:00Z",
    });
    clock.advance(19 * MINUTE);
    await assert.rejects(succeed(), LOCKED);
    assert.equal(checks, 5);
    clock.advance(2 * MINUTE);
    assert.equal(await succeed(), "welcome");
  });

  it("lets in a user whom an administrator has unlocked", async () => {
    await failTimes(4);
    await assert.rejects(fail(), LOCKED);
    await users.modify("alice", (user) => ({ ...user, spec: { ...user.spec, status: alice.spec.status } }));
    clock.advance(MINUTE);
    assert.equal(await succeed(), "welcome");
  });

  it("starts counting anew after a success", async () => {
    await failTimes(4);
    await succeed();
    await failTimes(4);
    assert.equal(await succeed(), "welcome");
  });

  it("locks again with one failure after a lock has run out", async () => {
    await failTimes(4);
    await assert.rejects(fail(), LOCKED);
    clock.advance(21 * MINUTE);
    await assert.rejects(fail(), { message: /locked until Sun Nov 22 12:41 UTC/ });
  });

  it("forgets failures after half an hour", async () => {
    await failTimes(4);
    clock.advance(31 * MINUTE);
    await failTimes(4);
  });

  it("checks no more than five of fifty guesses at once", async () => {
    await Promise.allSettled(Array.from({ length: 50 }, () => fail()));
    assert.equal(checks, 5);
  });

  it("checks no more than five of fifty guesses at once over two auth servers", async () => {
    const guesses = Array.from({ length: 50 }, (_, i) => fail("alice", i % 2 === 0 ? guard : otherServer));
    await Promise.allSettled(guesses);
    assert.ok(checks <= 5, `${checks} were checked`);
  });

  it("does not lock a user who logs in many times at once", async () => {
    const logins = await Promise.all(Array.from({ length: 20 }, () => succeed()));
    assert.equal(logins.length, 20);
  });

  it("treats a name that nobody has just like one that somebody has", async () => {
    await failTimes(4, "ghost");
    const locked = { message: "ghost exceeds 5 failed login attempts, locked until Sun Nov 22 12:20 UTC" };
    await assert.rejects(fail("ghost"), locked);
    clock.advance(19 * MINUTE);
    await assert.rejects(fail("ghost"), locked);
    clock.advance(2 * MINUTE);
    await assert.rejects(fail("ghost"), { message: /locked until Sun Nov 22 12:41 UTC/ });
    assert.equal(checks, 6);
  });

  it("does not count a check that could not be made", async () => {
    for (let i = 0; i < 8; i++) {
      await assert.rejects(
        guard.attempt("alice", () => Promise.reject(unavailable("the store is away"))),
        { code: "unavailable" },
      );
    }
    await failTimes(4);
  });

  it("keeps users apart whose names begin alike", async () => {
    await users.create({ ...alice, metadata: { name: "al" } });
    await failTimes(4, "alice");
    await failTimes(4, "al");
  });
});

const alice: User = {
  kind: "user",
  version: "v2",
  metadata: { name: "alice" },
  spec: {
    roles: ["admin"],
    status: { is_locked: false, locked_time: ZERO_TIME, lock_expires: ZERO_TIME },
    expires: ZERO_TIME,
    created_by: { time: ZERO_TIME, user: { name: "" } },
  },
};
