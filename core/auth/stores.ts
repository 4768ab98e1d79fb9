import type { Storage } from "../plugin/storage.js";
import { createAuthorityStore, type AuthorityStore } from "../resources/authorities.js";
import { createClusterSettingsStore, type ClusterSettingsStore } from "../resources/cluster-settings.js";
import { createConnectionPlaceStore, type ConnectionPlaceStore } from "../resources/connection-places.js";
import { createCredentialStore, type CredentialStore } from "../resources/credentials.js";
import { createKeptStore, type KeptStore } from "../resources/kept-resources.js";
import { createLiveSessionStore, type LiveSessionStore } from "../resources/live-sessions.js";
import { createLoginAttemptStore, type LoginAttemptStore } from "../resources/login-attempts.js";
import { createLockStore, type LockStore } from "../resources/locks.js";
import { createNamespaceStore, type NamespaceStore } from "../resources/namespaces.js";
import { createPresetRecord, type PresetRecord } from "../resources/preset-record.js";
import { createPresenceStore, type PresenceStore } from "../resources/presence.js";
import { createRoleStore, type RoleStore } from "../resources/roles.js";
import { createSessionOwnerStore, type SessionOwnerStore } from "../resources/session-owners.js";
import { createSignupTokenStore, type SignupTokenStore } from "../resources/signup-tokens.js";
import { createTokenStore, type TokenStore } from "../resources/tokens.js";
import { createUserStore, type UserStore } from "../resources/users.js";
import { createWebSessionStore, type WebSessionStore } from "../resources/web-sessions.js";

/** Typed access to all that the auth service keeps. */
export interface Stores {
  readonly authorities: AuthorityStore;
  readonly settings: ClusterSettingsStore;
  readonly namespaces: NamespaceStore;
  readonly roles: RoleStore;
  readonly presets: PresetRecord;
  readonly locks: LockStore;
  readonly users: UserStore;
  readonly credentials: CredentialStore;
  readonly attempts: LoginAttemptStore;
  readonly tokens: TokenStore;
  readonly invites: SignupTokenStore;
  readonly presence: PresenceStore;
  readonly liveSessions: LiveSessionStore;
  readonly sessionOwners: SessionOwnerStore;
  readonly connectionPlaces: ConnectionPlaceStore;
  readonly webSessions: WebSessionStore;
  readonly kept: KeptStore;
}

/** The stores over one backend. */
export function createStores(storage: Storage): Stores {
  return {
    authorities: createAuthorityStore(storage),
    settings: createClusterSettingsStore(storage),
    namespaces: createNamespaceStore(storage),
    roles: createRoleStore(storage),
    presets: createPresetRecord(storage),
    locks: createLockStore(storage),
    users: createUserStore(storage),
    credentials: createCredentialStore(storage),
    attempts: createLoginAttemptStore(storage),
    tokens: createTokenStore(storage),
    invites: createSignupTokenStore(storage),
    presence: createPresenceStore(storage),
    liveSessions: createLiveSessionStore(storage),
    sessionOwners: createSessionOwnerStore(storage),
    connectionPlaces: createConnectionPlaceStore(storage),
    webSessions: createWebSessionStore(storage),
    kept: createKeptStore(storage),
  };
}
