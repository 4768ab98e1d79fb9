/** The record of a running session that `tsh` and the web show (wire.md §9.2): made, refreshed, removed. */
import { errorMessage, hasCode } from "../errors/error.js";
import type { SessionParty } from "../resources/session.js";
import type { Party } from "./party.js";
import type { SessionContext } from "./session-context.js";
import type { TerminalSize } from "./session-process.js";

/** What the record says. */
export interface LiveSessionFacts {
  readonly sessionId: string;
  readonly login: string;
  /** Those who take part now. */
  readonly parties: () => readonly Party[];
  readonly size: TerminalSize;
}

/** A published record. */
export interface PublishedSession {
  /** Tells the new size with the next refresh. */
  resize(size: TerminalSize): void;
  /** Removes the record. Never rejects. */
  remove(): Promise<void>;
}

const REFRESH_MS = 2_000;

/** Publishes a session. Failures are logged and made good by a later refresh: the record is no part of the audit. */
export function publishSession(context: SessionContext, facts: LiveSessionFacts): PublishedSession {
  const { api, clock, serverId, log, namespace, target } = context;
  const { sessionId } = facts;
  const stop = new AbortController();
  const started = clock.now().toISOString();
  let size = facts.size;
  let created = false;

  const refresh = async (): Promise<void> => {
    const now = clock.now().toISOString();
    const parties = facts.parties().map((party) => partyRecord(party, serverId));
    const terminal_params = { w: size.columns, h: size.rows };
    if (created) {
      try {
        await api.updateSession({ id: sessionId, namespace, terminal_params, parties });
        return;
      } catch (error) {
        // It expired, since it could not be refreshed for long.
        if (!hasCode(error, "not_found")) throw error;
        created = false;
      }
    }
    await api.createSession({
      id: sessionId,
      namespace,
      parties,
      terminal_params,
      login: facts.login,
      created: started,
      last_active: now,
      server_id: serverId,
      ...(target === undefined ? {} : { target }),
    });
    created = true;
  };
  const attempt = (what: string, work: () => Promise<void>): Promise<void> =>
    work().catch((error: unknown) => {
      log.debug(`the record of a live session was not ${what}`, {
        sid: sessionId,
        error: errorMessage(error),
      });
    });
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await attempt("refreshed", refresh);
      await clock.sleep(REFRESH_MS, stop.signal).catch(() => undefined);
    }
  };
  const running = run();

  return {
    resize: (next) => {
      size = next;
    },
    remove: async () => {
      stop.abort();
      await running;
      if (created) await attempt("removed", () => api.deleteSession(namespace, sessionId));
    },
  };
}

function partyRecord(party: Party, serverId: string): SessionParty {
  return {
    id: party.id,
    remote_addr: party.connection.remoteAddress,
    user: party.identity.user,
    server_id: serverId,
    last_active: party.lastActive.toISOString(),
  };
}
