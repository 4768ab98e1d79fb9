/**
 * The audit of clients who were refused: the event `auth` (T3007W). Anybody who reaches a port can be refused, so what
 * strangers add to the log is bounded: short texts, one event per connection, and above a number of events per minute and
 * address one event that counts the rest.
 */
import { errorChain } from "../errors/error.js";
import { hostOf } from "../grammar/address.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import { auditEvent, type PendingAuditEvent } from "./catalogue.js";

/** Who was refused, and why. */
export interface Refusal {
  /** The cluster user that the certificate names. */
  readonly user: string;
  readonly login: string;
  /** `ip:port`, which tells connections apart. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly reason: string;
  /** Whether the certificate and its holder are verified; else all that the client says may be made up. */
  readonly verified: boolean;
}

/** A login that an SSH server refused; `user` is the login that was asked for. */
export interface RefusedLogin extends Omit<Refusal, "login"> {
  readonly certificate: { readonly keyId: string } | undefined;
}

/** Longest text of an unverified client that is kept, in characters. */
export const MAX_STRANGER_TEXT = 128;
/** Refused connections of one address that are told one by one, per minute. */
export const MAX_EVENTS_PER_MINUTE = 20;

const WINDOW_MS = 60_000;
/** Addresses that are counted apart in one minute; what comes from further ones is counted together. */
const MAX_ADDRESSES = 1_000;
const FURTHER_ADDRESSES = "";

interface Source {
  readonly connections: Set<string>;
  untold: number;
}

/** Writes refusals to the audit log. */
export class RefusalAudit {
  readonly #emit: (event: PendingAuditEvent) => Promise<void>;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #sources = new Map<string, Source>();
  #window: AbortController | undefined;

  constructor(
    emit: (event: PendingAuditEvent) => Promise<void>,
    { log, clock }: { readonly log: Logger; readonly clock: Clock },
  ) {
    this.#emit = emit;
    this.#log = log;
    this.#clock = clock;
  }

  /** Logs a refused login, and audits it unless the client showed no certificate, as scanners do. Never rejects. */
  async login({ user: login, certificate, ...rest }: RefusedLogin): Promise<void> {
    const refusal = shortened({ ...rest, user: certificate?.keyId ?? "", login });
    this.#log.info("a client was refused", { ...refusal });
    if (certificate !== undefined) await this.record(refusal);
  }

  /** Writes the event. Never rejects: the client is refused in any case, so a failure is only logged. */
  async record(refusal: Refusal): Promise<void> {
    if (!refusal.verified && !this.#isTold(refusal.remoteAddress)) return;
    const { user, login, localAddress, remoteAddress, reason } = shortened(refusal);
    await this.#write({
      user,
      login,
      "addr.local": localAddress,
      "addr.remote": remoteAddress,
      "success": false,
      "error": reason,
    });
  }

  /** Writes the counts of the current minute. Never rejects. */
  async close(): Promise<void> {
    this.#window?.abort();
    this.#window = undefined;
    const counted = [...this.#sources].filter(([, { untold }]) => untold > 0);
    this.#sources.clear();
    await Promise.all(
      counted.map(([host, { untold }]) =>
        this.#write({
          "user": "",
          "addr.remote": host,
          "success": false,
          "error": "further clients were refused within a minute",
          "count": untold,
        }),
      ),
    );
  }

  /** Whether a stranger's refusal gets an event of its own; else it is counted, or its connection has one already. */
  #isTold(remoteAddress: string): boolean {
    this.#openWindow();
    const host = hostOf(remoteAddress);
    const key = this.#sources.has(host) || this.#sources.size < MAX_ADDRESSES ? host : FURTHER_ADDRESSES;
    const source = this.#sources.get(key) ?? { connections: new Set(), untold: 0 };
    this.#sources.set(key, source);
    if (source.connections.has(remoteAddress)) return false;
    if (source.connections.size >= MAX_EVENTS_PER_MINUTE) {
      source.untold++;
      return false;
    }
    source.connections.add(remoteAddress);
    return true;
  }

  #openWindow(): void {
    if (this.#window !== undefined) return;
    const window = new AbortController();
    this.#window = window;
    this.#clock.sleep(WINDOW_MS, window.signal).then(
      () => (window.signal.aborted ? undefined : this.close()),
      () => undefined,
    );
  }

  async #write(fields: Parameters<typeof auditEvent<"authAttempt">>[2]): Promise<void> {
    try {
      await this.#emit(auditEvent("authAttempt", "failure", fields));
    } catch (error) {
      this.#log.error("a refused client could not be audited", { ...fields, error: errorChain(error) });
    }
  }
}

function shortened(refusal: Refusal): Refusal {
  if (refusal.verified) return refusal;
  const cut = (text: string): string =>
    text.length <= MAX_STRANGER_TEXT ? text : `${text.slice(0, MAX_STRANGER_TEXT - 1)}…`;
  return { ...refusal, user: cut(refusal.user), login: cut(refusal.login), reason: cut(refusal.reason) };
}
