/** Writers that use the API of a cluster all the time, and a history of what was acknowledged. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { AuthApi } from "../../../core/auth/client/api.js";

const SLOTS = 32;

/**
 * Writes about `perSecond` times a second: join tokens and locks are made, changed and removed, each name by one writer
 * after the other. No call may fail. What was acknowledged is remembered, and can be compared with what there is.
 */
export class ApiWriters {
  readonly #tokens = new Map<string, string>();
  readonly #locks = new Map<string, string>();
  readonly #running: Promise<void>[];
  /** Names whose write is under way, or has failed. */
  readonly #unknown = new Set<string>();
  #stopped = false;
  /** Acknowledged writes. */
  writes = 0;

  constructor(
    private readonly api: AuthApi,
    perSecond: number,
  ) {
    const everyMs = (1000 * SLOTS) / perSecond;
    this.#running = Array.from({ length: SLOTS }, (_, slot) => this.#run(slot, everyMs));
    for (const running of this.#running) running.catch(() => undefined);
  }

  /** Ends the writers; throws what failed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Asserts that exactly what was acknowledged is there; after {@link stop}. */
  async check(api: AuthApi): Promise<void> {
    const tokens = (await api.getTokens()).filter(({ token }) => token.startsWith("written-"));
    assert.deepEqual(
      Object.fromEntries(tokens.map(({ token, expires }) => [token, expires])),
      Object.fromEntries(this.#tokens),
    );
    assert.deepEqual(lockMessages(await api.getLocks()), Object.fromEntries(this.#locks));
  }

  /**
   * Asserts that everything that was acknowledged is there, but for names whose last write failed: its fate is unknown.
   * For servers that were killed.
   */
  async checkAcknowledged(api: AuthApi): Promise<void> {
    const tokens = new Map((await api.getTokens()).map(({ token, expires }) => [token, expires]));
    const locks = new Map(Object.entries(lockMessages(await api.getLocks())));
    for (const [there, acknowledged] of [
      [tokens, this.#tokens],
      [locks, this.#locks],
    ] as const) {
      for (const [name, value] of acknowledged) {
        if (!this.#unknown.has(name)) assert.equal(there.get(name), value, name);
      }
    }
  }

  /** The locks that are there, with their messages; after {@link stop}. */
  get locks(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#locks);
  }

  async #run(slot: number, everyMs: number): Promise<void> {
    await pause((everyMs * slot) / SLOTS);
    for (let n = 0; !this.#stopped; n++) {
      const startedMs = performance.now();
      await (slot % 8 === 0 ? this.#lock(slot, n) : this.#token(slot, n));
      this.writes++;
      await pause(Math.max(everyMs - (performance.now() - startedMs), 0));
    }
  }

  async #token(slot: number, n: number): Promise<void> {
    const token = `written-${slot}-${n % 5}`;
    this.#unknown.add(token);
    if (n % 7 === 6 && this.#tokens.has(token)) {
      await this.api.deleteToken(token);
      this.#tokens.delete(token);
      this.#unknown.delete(token);
      return;
    }
    const expires = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_600_000 + n * 1000)
      .toISOString()
      .replace(".000Z", "Z");
    await this.api.upsertToken({ token, roles: ["Node"], expires });
    this.#tokens.set(token, expires);
    this.#unknown.delete(token);
  }

  async #lock(slot: number, n: number): Promise<void> {
    const name = `written-${slot}-${n % 3}`;
    this.#unknown.add(name);
    if (n % 5 === 4 && this.#locks.has(name)) {
      await this.api.deleteLock(name);
      this.#locks.delete(name);
      this.#unknown.delete(name);
      return;
    }
    const message = `message ${n}`;
    await this.api.upsertLock({
      kind: "lock",
      version: "v2",
      metadata: { name },
      spec: { target: { user: `nobody-${slot}` }, message },
    });
    this.#locks.set(name, message);
    this.#unknown.delete(name);
  }
}

/** Locks of {@link ApiWriters} with their messages. */
export function lockMessages(
  locks: readonly { metadata: { name: string }; spec: { message?: string | undefined } }[],
): Record<string, string> {
  const ours = locks.filter(({ metadata }) => metadata.name.startsWith("written-"));
  return Object.fromEntries(ours.map(({ metadata, spec }) => [metadata.name, spec.message ?? ""]));
}
