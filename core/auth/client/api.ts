/**
 * The one typed interface to the cluster's state. Proxy, node, `tctl` and `tsh` use nothing else.
 *
 * Two transports implement it: HTTPS with mutual TLS to port 3025 (wire.md §5), and an in-memory one for services of
 * the auth server's own process. Both pass the same authorisation layer, so a method answers the same through either.
 * Methods throw errors with the codes of core/errors; `access_denied` where the caller's roles do not allow the call.
 */
import type { AuditEvent } from "../../plugin/audit.js";
import type { AuthorityType, CertAuthority, Rotation } from "../../resources/authority.js";
import type {
  AuthPreference,
  ClusterConfig,
  ClusterName,
  Namespace,
  StaticTokens,
} from "../../resources/cluster.js";
import type { KeptKind, KeptResource } from "../../resources/kept.js";
import type { Lock } from "../../resources/lock.js";
import type { Role } from "../../resources/role.js";
import type { Server } from "../../resources/server.js";
import type { LiveSession, LiveSessionUpdate, WebSession } from "../../resources/session.js";
import type {
  ConfigurationFile,
  StartedMove,
  StorageStatus,
  StorageVerification,
} from "../../resources/storage-status.js";
import type { StorageBenchReport, StorageBenchRequest } from "../../resources/storage-bench.js";
import type { SessionScreen, SessionTimeline, TimelineStart } from "../../resources/timeline.js";
import type { ProvisionToken, SystemRole } from "../../resources/token.js";
import type { User } from "../../resources/user.js";

/** Some of a recording's lines. */
export interface SessionEventPage {
  readonly events: Record<string, unknown>[];
  /** Where the next page starts; absent after the last. */
  readonly next?: string;
}

/** `POST /v2/tokens/register` (wire.md §6.2). Keys are base64 of their text forms. */
export interface RegisterRequest {
  hostID: string;
  node_name: string;
  role: SystemRole;
  token: string;
  additional_principals: string[] | null;
  dns_names: string[] | null;
  public_tls_key: string;
  public_ssh_key: string;
  remote_addr: string;
}

/** `POST /v2/server/credentials` (wire.md §6.6): an existing host renews its certificates. */
export interface ServerKeysRequest {
  host_id: string;
  node_name: string;
  roles: SystemRole[];
  additional_principals: string[] | null;
  dns_names: string[] | null;
  public_tls_key: string;
  public_ssh_key: string;
  remote_addr: string;
  rotation?: Rotation | null;
}

/** Certificates of a host. All values are base64 of their text forms; `key` is null, since hosts keep their own. */
export interface PackedKeys {
  key: null;
  cert: string;
  tls_cert: string;
  tls_ca_certs: string[];
  ssh_ca_certs: string[];
}

/** `POST /v2/ca/host/certs`: a host certificate for any name. `ttl` is nanoseconds, 0 = no expiry. */
export interface HostCertRequest {
  key: string;
  hostname: string;
  node_name: string;
  principals: string[];
  auth_domain: string;
  roles: SystemRole[];
  ttl: number;
}

/** A login for certificates (wire.md §5.3, `users/:u/ssh/authenticate`). `ttl` is nanoseconds; passwords are base64. */
export interface SshLoginRequest {
  username: string;
  pass?: { password: string };
  otp?: { password: string; token: string };
  public_key: string;
  ttl: number;
  compatibility_mode: string;
  route_to_cluster: string;
  /** The client's address as the proxy saw it, `ip:port`; used for rate limits and the audit log. */
  remote_addr?: string;
}

/** A login for a web session. */
export interface WebLoginRequest {
  username: string;
  pass?: { password: string };
  otp?: { password: string; token: string };
  session?: { id: string };
  remote_addr?: string;
}

/** One trusted host authority, as a login reply carries it. Binary values are base64. */
export interface HostSigner {
  domain_name: string;
  checking_keys: string[];
  tls_certs: string[];
}

/** Reply to a login for certificates (wire.md §2.3). */
export interface SshLoginResponse {
  username: string;
  /** Base64 of the authorized_keys-format certificate line. */
  cert: string;
  /** Base64 of PEM. */
  tls_cert: string;
  host_signers: HostSigner[];
}

/** gRPC GenerateUserCerts. */
export interface UserCertsRequest {
  /** authorized_keys line. */
  publicKey: string;
  username: string;
  expires: Date;
  format?: string;
  routeToCluster?: string;
}

/** Certificates as text: an authorized_keys-format line and PEM. */
export interface UserCerts {
  ssh: string;
  tls: string;
}

/** Ours: one of a user's connections asks for its place, or renews it. */
export interface ConnectionPlaceRequest {
  user: string;
  /** A UUID that the host gives the connection: asking twice with it takes one place. */
  id: string;
  /** How many connections the user may have at a time, over the whole cluster. */
  max: number;
}

/** A place that frees itself after `lease_ms` unless it is renewed. */
export interface ConnectionLease {
  lease_ms: number;
}

/** The user an invite will create (V1 shape of 4.2). */
export interface InvitedUser {
  name: string;
  allowed_logins: string[];
  kube_groups?: string[];
  /** Ours, as of 6.0; absent or empty gives the role admin. */
  roles?: string[];
}

/** What an invite page shows. */
export interface SignupTokenData {
  token: string;
  user: string;
  /** PNG of the TOTP secret's QR code, base64; empty where no second factor is asked for. */
  qr: string;
  /** The secret behind the QR code, base32, for those who type it; empty where no second factor is asked for. */
  otp_key: string;
}

/** What an invite is redeemed with. */
export interface SignupRequest {
  token: string;
  password: string;
  otp_token: string;
  /** The client's address as the proxy saw it, `ip:port`; used for rate limits. */
  remote_addr?: string;
}

/** A new join token. `ttl` is nanoseconds. */
export interface GenerateTokenRequest {
  roles: SystemRole[];
  ttl: number;
  /** The value to use; empty for a random one. */
  token: string;
  /** Ours: the token admits one host once. */
  single_use?: boolean;
}

/** Liveness of a node between full heartbeats. */
export interface KeepAlive {
  serverName: string;
  namespace: string;
  leaseId: number;
  expires?: Date | undefined;
}

/** A chunk of a session's audit stream (wire.md §9.2). */
export interface SessionChunk {
  timeUnixNs: bigint;
  /** JSON of the event. */
  data: Uint8Array;
  eventType: string;
  eventIndex: number;
  chunkIndex: number;
  offset: number;
  delayMs: number;
}

/** Audit events of one session, in order. */
export interface SessionSlice {
  namespace: string;
  sessionId: string;
  chunks: SessionChunk[];
  version: number;
}

/** A kind to watch. */
export interface WatchKind {
  kind: string;
  name?: string;
  loadSecrets?: boolean;
}

/** A change as the API reports it; `init` comes first, and a stream that ends must be followed by a fresh read. */
export type WatchEvent =
  | { type: "init" }
  | {
      type: "put";
      resource: CertAuthority | ClusterName | ClusterConfig | User | Role | Lock | Namespace | Server;
    }
  | { type: "delete"; kind: string; subKind: string; name: string };

/** Bounds of an audit search. Newest or oldest first as asked; `limit` 0 takes the server's default of 500. */
export interface EventSearch {
  from: Date;
  to: Date;
  types?: string[];
  limit?: number;
  order?: "oldest-first" | "newest-first";
  cursor?: string;
}

/** The typed interface to the auth service. */
export interface AuthApi {
  ping(): Promise<{ clusterName: string; serverVersion: string }>;
  getDomainName(): Promise<string>;
  /** PEM of the host authority's TLS certificate(s). Allowed without a certificate. */
  getClusterCaCert(): Promise<string>;

  getCertAuthorities(type: AuthorityType, loadKeys?: boolean): Promise<CertAuthority[]>;
  getCertAuthority(type: AuthorityType, cluster: string, loadKeys?: boolean): Promise<CertAuthority>;
  /** Restores an authority. Administrators only; throws `already_exists`. */
  createCertAuthority(authority: CertAuthority): Promise<void>;
  upsertCertAuthority(authority: CertAuthority): Promise<void>;
  getClusterName(): Promise<ClusterName>;
  getClusterConfig(): Promise<ClusterConfig>;
  /** Holds until the next start of an auth server, which writes its teleport.yaml over it. */
  setClusterConfig(config: ClusterConfig): Promise<void>;
  getAuthPreference(): Promise<AuthPreference>;
  /** Holds until the next start of an auth server, which writes its teleport.yaml over it. */
  setAuthPreference(preference: AuthPreference): Promise<void>;
  getStaticTokens(): Promise<StaticTokens>;
  /** Ours: resources of a kind that is only kept; 4.2 has a call for each of them. */
  getKeptResources(kind: KeptKind, withSecrets?: boolean): Promise<KeptResource[]>;
  getNamespaces(): Promise<Namespace[]>;
  getNamespace(name: string): Promise<Namespace>;

  getUsers(withSecrets?: boolean): Promise<User[]>;
  getUser(name: string, withSecrets?: boolean): Promise<User>;
  /** Ours, as all calls named create: throws `already_exists`. */
  createUser(user: User): Promise<void>;
  upsertUser(user: User): Promise<void>;
  deleteUser(name: string): Promise<void>;
  getRoles(): Promise<Role[]>;
  getRole(name: string): Promise<Role>;
  createRole(role: Role): Promise<void>;
  upsertRole(role: Role): Promise<void>;
  deleteRole(name: string): Promise<void>;

  /** Ours, as of 7.1. The locks in force; expired ones are gone. */
  getLocks(): Promise<Lock[]>;
  createLock(lock: Lock): Promise<void>;
  upsertLock(lock: Lock): Promise<void>;
  deleteLock(name: string): Promise<void>;

  /** Creates an invite and returns its token (32 hex). `ttlMs` at most 48 h. */
  createSignupToken(user: InvitedUser, ttlMs: number): Promise<string>;
  /**
   * Allowed without a certificate. Each call makes a new TOTP secret. A proxy says for whom it asks: `remoteAddress` is
   * the client's `ip:port`.
   */
  getSignupToken(token: string, remoteAddress?: string): Promise<SignupTokenData>;
  /** Allowed without a certificate. Consumes the invite. */
  createUserWithToken(request: SignupRequest): Promise<WebSession>;

  authenticateSsh(request: SshLoginRequest): Promise<SshLoginResponse>;
  authenticateWeb(request: WebLoginRequest): Promise<WebSession>;
  deleteWebSession(user: string, sessionId: string): Promise<void>;

  generateToken(request: GenerateTokenRequest): Promise<string>;
  createToken(token: ProvisionToken): Promise<void>;
  /** Ours. One of this value is replaced, be it for single use or not. */
  upsertToken(token: ProvisionToken): Promise<void>;
  getToken(token: string): Promise<ProvisionToken>;
  getTokens(): Promise<ProvisionToken[]>;
  deleteToken(token: string): Promise<void>;
  /** Allowed without a certificate. */
  registerUsingToken(request: RegisterRequest): Promise<PackedKeys>;
  generateServerKeys(request: ServerKeysRequest): Promise<PackedKeys>;
  /** Returns an authorized_keys-format certificate line. */
  generateHostCert(request: HostCertRequest): Promise<string>;
  generateUserCerts(request: UserCertsRequest): Promise<UserCerts>;

  upsertNode(server: Server): Promise<KeepAlive>;
  /** Sends keep-alives for as long as the iterable yields; rejects when the server ends the stream. */
  keepAliveNode(keepAlives: AsyncIterable<KeepAlive>): Promise<void>;
  /** Only the nodes the caller may enter. */
  getNodes(namespace: string): Promise<Server[]>;
  deleteNode(namespace: string, name: string): Promise<void>;
  upsertProxy(server: Server): Promise<void>;
  getProxies(): Promise<Server[]>;
  deleteProxy(name: string): Promise<void>;
  getAuthServers(): Promise<Server[]>;

  createSession(session: LiveSession): Promise<void>;
  updateSession(update: LiveSessionUpdate): Promise<void>;
  getSessions(namespace: string): Promise<LiveSession[]>;
  getSession(namespace: string, id: string): Promise<LiveSession>;
  deleteSession(namespace: string, id: string): Promise<void>;

  /**
   * Ours, as of 4.4: takes one of a user's places, or renews the one that the connection has. Hosts only; throws
   * `limit_exceeded` where `max` others are taken. client/connection-place.ts does it over a connection's life.
   */
  holdConnectionPlace(request: ConnectionPlaceRequest): Promise<ConnectionLease>;
  /** A place that is free already stays so. */
  releaseConnectionPlace(user: string, id: string): Promise<void>;

  /** Returns when the event is durable under the cluster's audit policy. */
  emitAuditEvent(event: { event: string; code: string; [field: string]: unknown }): Promise<void>;
  postSessionSlice(slice: SessionSlice): Promise<void>;
  /** Uploads the tar of wire.md §9.3; returns when the store has verified it. */
  uploadSessionRecording(sessionId: string, archive: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Sends whole journal frames of a running session, to stand at `offset` bytes; on auth's disk when it resolves. A repeated
   * call with the same bytes changes nothing, and nothing is changed or taken back by any. Throws `access_denied` for
   * another host's session and an id on record, `not_found` for a journal not open at this auth server, `compare_failed`
   * for a gap. Unknown to 4.2.
   */
  appendSessionJournal(sessionId: string, offset: number, frames: Uint8Array): Promise<void>;
  /** Makes a recording of the session's journal. May be repeated. Throws like {@link appendSessionJournal}. */
  finishSessionJournal(sessionId: string): Promise<void>;
  /** Recorded output bytes; empty past the end. At most 5 MiB. */
  getSessionChunk(sessionId: string, offset: number, maxBytes: number): Promise<Uint8Array>;
  /** Lines of the recording's events file with `id` added; skips the first `after`. */
  getSessionEvents(sessionId: string, after?: number): Promise<Record<string, unknown>[]>;
  /** The same lines in pages of about 1 MiB; without a cursor the first. Unknown to 4.2. */
  getSessionEventPage(sessionId: string, cursor?: string): Promise<SessionEventPage>;
  /** A window of a recording's frames, at most 5000. Unknown to 4.2. */
  getSessionTimeline(sessionId: string, start: TimelineStart, limit: number): Promise<SessionTimeline>;
  /** How to paint the screen before a frame; at most 8 MiB of output. Unknown to 4.2. */
  getSessionScreen(sessionId: string, index: number): Promise<SessionScreen>;
  searchEvents(search: EventSearch): Promise<{ events: AuditEvent[]; next?: string | undefined }>;

  /**
   * Starts to move the cluster into the storage that a complete teleport.yaml names, and returns before it is done; see
   * {@link getStorageStatus}. Throws `bad_parameter`, with a line for each problem of the file. Unknown to 4.2, as all of
   * these are.
   */
  startStorageMove(file: ConfigurationFile): Promise<StartedMove>;
  /** Where the cluster is kept, and what moves. */
  getStorageStatus(): Promise<StorageStatus>;
  /** Ends the move that is under way, whoever leads it. Throws `bad_parameter` where there is none to end. */
  abortStorageMove(): Promise<void>;
  /** Starts to read every item, and to compare with another storage. Throws `limit_exceeded` while one runs already. */
  verifyStorage(against?: ConfigurationFile): Promise<StorageVerification>;
  /** How far a verification is. Throws `not_found` where this auth server does not run it. */
  getStorageVerification(id: string): Promise<StorageVerification>;

  /**
   * The moment whose state the last answers have shown: the auth server's storage is away and it answers from a replica.
   * Undefined while it answers from its storage. Absent in one that cannot tell.
   */
  staleSince?(): Date | undefined;

  /**
   * Measures the cluster's storage from the auth server's process, under a bounded load; takes as long as asked for, and
   * up to 8 s more. Throws `limit_exceeded` while another measurement runs. Unknown to 4.2.
   */
  benchStorage(request: StorageBenchRequest): Promise<StorageBenchReport>;

  /** The first event is `init`. The stream ends by an error, or returns once the signal is aborted. */
  watch(kinds: readonly WatchKind[], signal: AbortSignal): AsyncIterable<WatchEvent>;
  close(): Promise<void>;
}
