/** The other auth services of a store, as the leader of a migration waits for them. */
import { setTimeout as pause } from "node:timers/promises";
import { badParameter, errorMessage, unavailable } from "@teleport/plugin";
import type { ServingStore } from "../switchable-storage.js";
import { isAlive, listMembers, type Member } from "./members.js";
import type { MigrationPhase } from "./records.js";
import type { MigrationTools } from "./tools.js";
import { within } from "./within.js";

/** How long the others may take to go over, before the leader lets writes go on. */
const GO_OVER_MS = 2_000;
const POLL_MS = 20;

/** How far phases are. */
const ORDER: readonly MigrationPhase[] = ["copying", "freezing", "frozen", "committed"];

/** Those who follow one migration. */
export class OtherHosts {
  constructor(
    private readonly migration: string,
    private readonly source: ServingStore,
    private readonly tools: Pick<MigrationTools, "authServers" | "clock" | "host" | "log">,
  ) {}

  /** Resolves with the number of other members when each that is alive has reached a phase. */
  async acknowledged(phase: MigrationPhase, patienceMs: number, signal: AbortSignal): Promise<number> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      signal.throwIfAborted();
      const others = await this.#alive(this.source);
      for (const { host, ack } of others) {
        if (ack?.id === this.migration && ack.problem !== undefined) {
          throw unavailable(`auth server ${host.name} cannot follow: ${ack.problem}`);
        }
      }
      const missing = others.filter((member) => !this.#hasReached(member, phase));
      if (missing.length === 0) return others.length;
      if (performance.now() > deadline) {
        const names = missing.map(({ host }) => host.name).join(", ");
        throw unavailable(`auth server ${names} did not follow within ${patienceMs / 1000} s`);
      }
      await pause(POLL_MS);
    }
  }

  /** Waits a while until those who used the source use the store that serves now. */
  async wentOver(store: ServingStore): Promise<void> {
    const arrived = async (): Promise<void> => {
      const waiting = new Set((await this.#alive(this.source)).map(({ host }) => host.id));
      while (waiting.size > 0 && !over.signal.aborted) {
        for (const member of await this.#alive(store)) {
          if (this.#hasReached(member, "committed")) waiting.delete(member.host.id);
        }
        if (waiting.size > 0) await pause(POLL_MS);
      }
    };
    const over = new AbortController();
    try {
      await within(GO_OVER_MS, arrived(), "the other auth servers did not go over");
    } catch (error) {
      this.tools.log.warn(errorMessage(error));
    } finally {
      over.abort();
    }
  }

  async #alive({ storage }: ServingStore): Promise<Member[]> {
    const { clock, host } = this.tools;
    return (await listMembers(storage)).filter(
      (member) => member.host.id !== host.id && isAlive(member, clock),
    );
  }

  #hasReached({ ack }: Member, phase: MigrationPhase): boolean {
    return ack?.id === this.migration && ORDER.indexOf(ack.phase) >= ORDER.indexOf(phase);
  }

  /** Auth servers that know nothing of migrations, such as those of 4.2, would go on writing to the old store. */
  async refuseOutsiders(): Promise<void> {
    const { storage } = this.source;
    const members = new Set((await listMembers(storage)).map(({ host }) => host.id));
    const outsiders = (await this.tools.authServers(storage)).filter(({ id }) => !members.has(id));
    if (outsiders.length > 0) {
      const names = outsiders.map(({ name, id }) => `${name} (${id})`).join(", ");
      throw badParameter(
        `auth server ${names} uses this storage and cannot follow a migration: stop it, and wait until its heartbeat has run out (10 minutes)`,
      );
    }
  }
}
