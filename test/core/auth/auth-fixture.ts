import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { createGuardrails, generateSync } from "otplib";
import type { PendingAuditEvent } from "../../../core/audit/catalogue.js";
import { createAuthServer, type AuthServer } from "../../../core/auth/auth-server.js";
import type { Caller, UserCaller } from "../../../core/auth/caller.js";
import type { AuthApi } from "../../../core/auth/client/api.js";
import type { Recordings } from "../../../core/auth/session-audit.js";
import type { AuthSettings } from "../../../core/auth/settings.js";
import type { StorageAdmin } from "../../../core/auth/storage-admin.js";
import { notFound, notImplemented } from "../../../core/errors/error.js";
import {
  generateEd25519KeyPair,
  generateRsaKeyPair,
  publicKeyPem,
  type KeyPair,
} from "../../../core/pki/keys.js";
import { sshPublicLine } from "../../../core/pki/ssh-key.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import { prefixRange, type NewItem, type Storage } from "../../../core/plugin/storage.js";
import { keys } from "../../../core/resources/keys.js";
import type { SystemRole } from "../../../core/resources/token.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { MovingClock } from "./moving-clock.js";

/** The host that the auth server of the tests runs on. */
export const AUTH_HOST = "11111111-1111-4111-8111-111111111111";

/** Settings as of a teleport.yaml with a static token and TOTP. */
export const SETTINGS: AuthSettings = {
  clusterName: "example.test",
  staticTokens: [{ roles: ["Node"], expires: "1970-01-01T00:00:00Z", token: "static-node-token" }],
  authPreference: { type: "local", second_factor: "otp", u2f: {} },
  clusterConfig: {
    session_recording: "node",
    proxy_checks_host_keys: "yes",
    audit: {},
    client_idle_timeout: "0s",
    disconnect_expired_cert: false,
    keep_alive_interval: "5m0s",
    keep_alive_count_max: 3,
    local_auth: true,
  },
  sessionControlTimeoutMs: 120_000,
};

const noExchange = (): Promise<never> => Promise.reject(notImplemented("this store cannot be exchanged"));

/** The store of these tests is always the same. */
const NO_STORAGE_ADMIN: StorageAdmin = {
  start: noExchange,
  status: noExchange,
  abort: noExchange,
  verify: noExchange,
  verification: noExchange,
};

/** An auth server over a store in memory, with all that a test may want to look at. */
export interface AuthFixture {
  readonly server: AuthServer;
  readonly storage: Storage;
  readonly clock: MovingClock;
  readonly events: PendingAuditEvent[];
  /** Makes the audit log fail from now on, or work again. */
  failAudit(fails: boolean): void;
  as(role: SystemRole, hostId?: string): AuthApi;
  asUser(username: string, user?: Partial<UserCaller>): AuthApi;
  asNobody(remoteAddress?: string): AuthApi;
  close(): Promise<void>;
}

/** Starts an auth server; settings that are given replace the default ones. */
export async function startAuth(
  settings: Partial<AuthSettings> = {},
  given: {
    storage?: Storage;
    clock?: MovingClock;
    recordings?: Recordings;
    journalDirectory?: string;
  } = {},
): Promise<AuthFixture> {
  const clock = given.clock ?? new MovingClock("2026-11-22T12:00:00Z");
  const storage = given.storage ?? (await storageWithAuthorities(settings.clusterName, clock));
  const events: PendingAuditEvent[] = [];
  let auditFails = false;
  const server = createAuthServer({
    storage,
    storageAdmin: NO_STORAGE_ADMIN,
    storageType: () => "memory",
    settings: { ...SETTINGS, ...settings },
    audit: {
      emit: async (event) => {
        if (auditFails) {
          throw new Error("the audit log is full");
        }
        events.push(event);
      },
      search: async () => ({ events: [] }),
    },
    recordings: given.recordings ?? noRecordings,
    journalDirectory: given.journalDirectory ?? path.join(tmpdir(), `journals-${randomUUID()}`),
    clock,
    log: silentLogger,
    hostId: AUTH_HOST,
    hostname: "authhost",
  });
  await server.init();
  const clusterName = server.clusterName;
  const as = (caller: Caller): AuthApi => server.apiFor(caller);
  return {
    server,
    storage,
    clock,
    events,
    failAudit: (fails) => void (auditFails = fails),
    as: (role, hostId = AUTH_HOST) =>
      as({ kind: "system", role, hostId, clusterName, remoteAddress: "10.0.0.9:1234" }),
    asUser: (username, user = {}) =>
      as({
        kind: "user",
        username,
        roles: ["admin"],
        traits: { logins: ["root"] },
        issuedAt: new Date(clock.now().getTime() - 60_000),
        expires: new Date(clock.now().getTime() + 3_600_000),
        remoteAddress: "10.0.0.7:1234",
        ...user,
      }),
    asNobody: (remoteAddress = "10.0.0.8:1234") => as({ kind: "anonymous", remoteAddress }),
    close: () => server.close(),
  };
}

let authorities: Promise<readonly NewItem[]> | undefined;

/** An empty store but for authorities, which take a second to make and are the same in all tests of one run. */
async function storageWithAuthorities(clusterName: string | undefined, clock: MovingClock): Promise<Storage> {
  const storage = createMemoryStorage(clock);
  if (clusterName !== undefined) {
    return storage;
  }
  authorities ??= makeAuthorities();
  for (const { key, value } of await authorities) {
    await storage.put({ key, value });
  }
  return storage;
}

async function makeAuthorities(): Promise<NewItem[]> {
  const auth = await startAuth({ clusterName: SETTINGS.clusterName });
  const items: NewItem[] = [];
  for await (const { key, value } of auth.storage.range(prefixRange(keys.authorities))) {
    items.push({ key, value });
  }
  await auth.close();
  return items;
}

const noRecordings: Recordings = {
  store: {
    upload: () => Promise.reject(new Error("no recordings here")),
    download: () => {
      throw notFound("no recording");
    },
    stat: () => Promise.reject(notFound("no recording")),
    close: () => Promise.resolve(),
  },
  playback: {
    events: () => Promise.reject(notFound("no recording")),
    eventPage: () => Promise.reject(notFound("no recording")),
    timeline: () => Promise.reject(notFound("no recording")),
    screen: () => Promise.reject(notFound("no recording")),
    chunk: () => Promise.reject(notFound("no recording")),
    participants: () => Promise.reject(notFound("no recording")),
    exists: () => Promise.resolve(false),
    forget: () => Promise.resolve(),
    purge: () => Promise.resolve(),
  },
};

/** The code that an authenticator shows. */
export function totpCode(secret: string, at: Date): string {
  const guardrails = createGuardrails({ MIN_SECRET_BYTES: 10 });
  return generateSync({ secret, epoch: Math.floor(at.getTime() / 1000), guardrails });
}

/** Invites a user and signs up; returns the secret of the authenticator. */
export async function signUp(auth: AuthFixture, name: string, password: string): Promise<string> {
  const token = await auth.as("Admin").createSignupToken({ name, allowed_logins: ["root"] }, 0);
  const { otp_key: secret } = await auth.asNobody().getSignupToken(token);
  const otp = secret === "" ? "" : totpCode(secret, auth.clock.now());
  await auth.asNobody().createUserWithToken({ token, password, otp_token: otp });
  // The code that was just used is used up.
  auth.clock.advance(60_000);
  return secret;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Tries to log in through a proxy. */
export function logIn(
  auth: AuthFixture,
  username: string,
  credentials: { password: string; code?: string },
  from = `10.1.0.${++clients % 250}:5000`,
) {
  const { password, code } = credentials;
  return auth.as("Proxy").authenticateSsh({
    username,
    ...(code === undefined
      ? { pass: { password: base64(password) } }
      : { otp: { password: base64(password), token: code } }),
    public_key: base64(sshPublicLine(generateEd25519KeyPair().publicKey)),
    ttl: 0,
    compatibility_mode: "",
    route_to_cluster: "",
    remote_addr: from,
  });
}

let clients = 0;

let hostKey: Promise<KeyPair> | undefined;

/** A host that wants to join. */
export async function joinRequest(token: string, role: SystemRole, hostId: string = randomUUID()) {
  const { publicKey } = await (hostKey ??= generateRsaKeyPair());
  return {
    hostID: hostId,
    node_name: "node1",
    role,
    token,
    additional_principals: ["node1", "10.0.0.5"] as string[],
    dns_names: null as string[] | null,
    public_tls_key: base64(publicKeyPem(publicKey)),
    public_ssh_key: base64(sshPublicLine(publicKey)),
    remote_addr: "",
  };
}
