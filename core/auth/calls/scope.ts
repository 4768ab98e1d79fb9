import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { Storage } from "../../plugin/storage.js";
import type { StorageHealth } from "../../storage/storage-health.js";
import type { Accounts } from "../accounts.js";
import type { Authorization } from "../authorization.js";
import type { Caller } from "../caller.js";
import type { ClusterSettings } from "../cluster-settings.js";
import type { HostCertificates } from "../host-certificates.js";
import type { JoinTokens } from "../join-tokens.js";
import type { Joins } from "../join.js";
import type { LockCheck } from "../lock-check.js";
import type { Locks } from "../locks.js";
import type { Logins } from "../login.js";
import type { Presence } from "../presence.js";
import type { RateLimit } from "../rate-limit.js";
import type { Recordings, SessionAudit } from "../session-audit.js";
import type { SessionClaims } from "../session-claims.js";
import type { SessionControl } from "../session-control.js";
import type { SessionJournals } from "../session-journals.js";
import type { Signups } from "../signup.js";
import type { StorageAdmin } from "../storage-admin.js";
import type { StorageBenches } from "../storage-benches.js";
import type { Stores } from "../stores.js";
import type { UserCertificates } from "../user-certificates.js";

/** What the auth service can do, whoever asks. */
export interface Services {
  readonly clusterName: string;
  /** Of the auth server. */
  readonly hostId: string;
  readonly storage: Storage;
  readonly health: StorageHealth;
  readonly stores: Stores;
  readonly clock: Clock;
  readonly log: Logger;
  readonly accounts: Accounts;
  readonly clusterSettings: ClusterSettings;
  readonly locks: Locks;
  readonly lockCheck: LockCheck;
  readonly logins: Logins;
  readonly signups: Signups;
  readonly joinTokens: JoinTokens;
  readonly joins: Joins;
  readonly userCertificates: UserCertificates;
  readonly hostCertificates: HostCertificates;
  readonly presence: Presence;
  readonly sessionAudit: SessionAudit;
  readonly sessionClaims: SessionClaims;
  readonly sessionJournals: SessionJournals;
  readonly sessionControl: SessionControl;
  readonly recordings: Recordings;
  readonly storageAdmin: StorageAdmin;
  readonly storageBenches: StorageBenches;
  /** Bounds guesses of passwords and invites, per client. */
  readonly rateLimit: RateLimit;
}

/** One caller's view: who calls, what they may do, and what does the work. */
export interface CallScope {
  readonly caller: Caller;
  readonly may: Authorization;
  readonly services: Services;
}
