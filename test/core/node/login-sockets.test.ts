import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { findLaunchTools } from "../../../core/node/launcher.js";
import { LoginSockets } from "../../../core/node/login-sockets.js";
import type { Clock } from "../../../core/plugin/clock.js";

const { username, uid, gid, homedir } = userInfo();

describe("sockets of a login", () => {
  const account = { name: username, uid, gid, home: homedir, shell: "/bin/sh" };
  const tools = findLaunchTools(process.getuid?.() === 0);

  it("gives up on a path that never answers, and lets the next ones have their turn", async () => {
    let started = 0;
    const asked: number[] = [];
    // Time passes at once for openers that hang.
    const clock: Clock = {
      now: () => new Date(),
      sleep: (ms) => {
        started++;
        asked.push(ms);
        return Promise.resolve();
      },
    };
    const opener = ["/bin/bash", "-c", "kill -STOP $$"];
    const sockets = new LoginSockets({ account: () => Promise.resolve(account), tools, clock, opener });
    const attempts = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0 ? sockets.connect(`/hanging/${i}`) : sockets.listen(`/hanging/${i}`, () => undefined),
    );
    const results = await Promise.allSettled(attempts);
    for (const result of results) {
      assert.match(String((result as PromiseRejectedResult).reason), /no answer within 10 s/);
    }
    assert.equal(started, 20);
    assert.deepEqual(new Set(asked), new Set([10_000]));
  });

  it("starts no more than eight openers at once", async () => {
    let started = 0;
    let expire = (): void => undefined;
    const expired = new Promise<void>((resolve) => (expire = resolve));
    const clock: Clock = {
      now: () => new Date(),
      sleep: () => {
        started++;
        return expired;
      },
    };
    const opener = ["/bin/bash", "-c", "kill -STOP $$"];
    const sockets = new LoginSockets({ account: () => Promise.resolve(account), tools, clock, opener });
    const attempts = Array.from({ length: 9 }, () => sockets.connect("/hanging"));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(started, 8);
    expire();
    await Promise.allSettled(attempts);
    assert.equal(started, 9);
  });
});
