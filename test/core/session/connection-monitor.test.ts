import assert from "node:assert/strict";
import type { Clock } from "../../../core/plugin/clock.js";
import { SshWriter } from "../../../core/pki/ssh-wire.js";
import { NodeFixture } from "../node/node-fixture.js";
import { needPrograms } from "../node/stock-programs.js";

/** A clock that tests move. */
class MovingClock implements Clock {
  #nowMs = Date.now();
  #sleepers: { atMs: number; wake: () => void }[] = [];

  now(): Date {
    return new Date(this.#nowMs);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal?.reason as Error);
      const wake = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      this.#sleepers.push({ atMs: this.#nowMs + ms, wake });
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Moves in small steps, so that what wakes can go to sleep again in between. */
  async move(ms: number, stepMs = 1_000): Promise<void> {
    for (const end = this.#nowMs + ms; this.#nowMs < end;) {
      this.#nowMs = Math.min(end, this.#nowMs + stepMs);
      const due = this.#sleepers.filter(({ atMs }) => atMs <= this.#nowMs);
      this.#sleepers = this.#sleepers.filter(({ atMs }) => atMs > this.#nowMs);
      for (const { wake } of due) wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe("connection monitor", function () {
  this.timeout(30_000);
  before(function () {
    needPrograms(this, "ssh-keygen");
  });

  async function start(
    config: object,
    validForMs: number,
  ): Promise<{ node: NodeFixture; clock: MovingClock }> {
    const clock = new MovingClock();
    const node = await new NodeFixture({ config, clock }).start();
    node.writeIdentity("short", { validForMs });
    return { node, clock };
  }

  it("disconnects who is idle, and says so in the audit", async () => {
    const { node, clock } = await start({ client_idle_timeout: "5m0s" }, 3_600_000);
    const connection = await node.connect("short");
    await clock.move(200_000);
    const channel = await connection.openChannel("session");
    channel.resume();
    channel.extended.resume();
    await channel.request("exec", true, new SshWriter().string("echo busy").toBuffer());
    await channel.whenClosed;
    await clock.move(200_000);
    assert.equal(
      (await connection.globalRequest("x-teleport-version", true)) !== undefined,
      true,
      "activity counted",
    );
    await clock.move(150_000);
    await connection.whenClosed;
    const event = await node.auth.waitFor(({ event: name }) => name === "client.disconnect");
    assert.equal(event["code"], "T3006I");
    assert.match(String(event["reason"]), /^client is idle for 5m\d+s, exceeded idle timeout of 5m0s$/);
    await node.close();
  });

  it("disconnects at the end of the certificate", async () => {
    const { node, clock } = await start({ disconnect_expired_cert: true }, 60_000);
    const connection = await node.connect("short");
    await clock.move(61_000);
    await connection.whenClosed;
    const event = await node.auth.waitFor(({ event: name }) => name === "client.disconnect");
    assert.match(String(event["reason"]), /^client certificate expired at \d{4}-/);
    await node.close();
  });

  it("leaves everybody alone where neither is asked for", async () => {
    const { node, clock } = await start({}, 60_000);
    const connection = await node.connect("short");
    await clock.move(240_000, 10_000);
    assert.notEqual(await connection.globalRequest("x-teleport-version", true), undefined);
    connection.disconnect("done");
    await node.close();
  });
});
