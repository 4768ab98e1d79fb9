import type { AuditEvent } from "../../plugin/audit.js";
import type { CertAuthority } from "../../resources/authority.js";
import type {
  AuthPreference,
  ClusterConfig,
  ClusterName,
  Namespace,
  StaticTokens,
} from "../../resources/cluster.js";
import type { KeptResource } from "../../resources/kept.js";
import type { Lock } from "../../resources/lock.js";
import type { Role } from "../../resources/role.js";
import type { Server } from "../../resources/server.js";
import type { LiveSession, WebSession } from "../../resources/session.js";
import type { ProvisionToken } from "../../resources/token.js";
import { readStaleHeader, STALE_HEADER } from "./stale-header.js";
import { encodeSessionSlice } from "./session-slice.js";
import type { StartedMove, StorageStatus, StorageVerification } from "../../resources/storage-status.js";
import type { StorageBenchReport } from "../../resources/storage-bench.js";
import type { SessionScreen, SessionTimeline } from "../../resources/timeline.js";
import type { AuthApi, ConnectionLease, PackedKeys, SessionEventPage, SshLoginResponse } from "./api.js";
import type { HttpClient, HttpReply, HttpRequest } from "./http-client.js";
import { JournalServers } from "./journal-servers.js";
import { multipartUpload } from "./multipart-upload.js";
import { list, object, resource, text, type Shape } from "./reply-shape.js";
import { internal } from "../../errors/error.js";

/** Header that carries where the next page of a search of the audit log starts. */
const NEXT_PAGE_HEADER = "x-teleport-next-page";
const NANOSECONDS_PER_MS = 1e6;

/** The calls of the interface that go over gRPC. */
export type GrpcCalls =
  "ping" | "getUser" | "getUsers" | "generateUserCerts" | "upsertNode" | "keepAliveNode" | "watch";

/** The calls of the interface that go over REST. */
export type RestApi = Omit<AuthApi, GrpcCalls | "close">;

/** The REST half of the typed interface (wire.md §5.3). */
export function createRestApi(http: HttpClient): RestApi {
  const journals = new JournalServers();
  let stale: Date | undefined;
  const exchange = async (request: HttpRequest): Promise<HttpReply> => {
    const reply = await http.send(request);
    stale = readStaleHeader(reply.header(STALE_HEADER));
    return reply;
  };
  const send = (
    method: HttpRequest["method"],
    path: string,
    json?: unknown,
    idempotent?: boolean,
  ): Promise<HttpReply> =>
    exchange({ method, path: `/v2${path}`, body: json === undefined ? undefined : { json }, idempotent });
  const get = async <T>(path: string, shape: Shape<T>): Promise<T> => shape(parse(await send("GET", path)));
  const post = async <T>(path: string, json: unknown, shape: Shape<T>, idempotent = false): Promise<T> =>
    shape(parse(await send("POST", path, json, idempotent)));
  /** For changes that do no more when they are made twice. */
  const repeatable = async (method: HttpRequest["method"], path: string, json: unknown): Promise<void> => {
    await send(method, path, json, true);
  };
  const act = async (method: HttpRequest["method"], path: string, json?: unknown): Promise<void> => {
    await send(method, path, json);
  };

  return {
    staleSince: () => stale,
    getDomainName: () => get("/domain", text),
    getClusterCaCert: async () => {
      const { tls_ca } = await get("/cacert", object<{ tls_ca: string }>("tls_ca"));
      return Buffer.from(tls_ca, "base64").toString("utf8");
    },
    getCertAuthorities: (type, loadKeys = false) =>
      get(`/authorities/${type}?load_keys=${loadKeys}`, list(resource<CertAuthority>())),
    getCertAuthority: (type, cluster, loadKeys = false) =>
      get(`/authorities/${type}/${segment(cluster)}?load_keys=${loadKeys}`, resource<CertAuthority>()),
    createCertAuthority: (ca) => act("PUT", `/authorities/${ca.spec.type}`, { ca }),
    upsertCertAuthority: (ca) => repeatable("POST", `/authorities/${ca.spec.type}`, { ca, ttl: 0 }),
    getClusterName: () => get("/configuration/name", resource<ClusterName>()),
    getClusterConfig: () => get("/configuration", resource<ClusterConfig>()),
    setClusterConfig: (config) => repeatable("POST", "/configuration", { cluster_config: config }),
    getAuthPreference: () => get("/authentication/preference", resource<AuthPreference>()),
    setAuthPreference: (preference) =>
      repeatable("POST", "/authentication/preference", { cluster_auth_preference: preference }),
    getStaticTokens: () => get("/configuration/static_tokens", resource<StaticTokens>()),
    getKeptResources: (kind, withSecrets = false) =>
      get(`/kept/${kind}?with_secrets=${withSecrets}`, list(object<KeptResource>("kind", "metadata"))),
    getNamespaces: () => get("/namespaces", list(resource<Namespace>())),
    getNamespace: (name) => get(`/namespaces/${segment(name)}`, resource<Namespace>()),

    // 4.2 has no calls that only create: it knows PUT of none of these.
    createUser: (user) => act("PUT", "/users", { user }),
    upsertUser: (user) => repeatable("POST", "/users", { user }),
    deleteUser: (name) => act("DELETE", `/users/${segment(name)}`),
    getRoles: () => get("/roles", list(resource<Role>())),
    getRole: (name) => get(`/roles/${segment(name)}`, resource<Role>()),
    createRole: (role) => act("PUT", "/roles", { role }),
    upsertRole: (role) => repeatable("POST", "/roles", { role }),
    deleteRole: (name) => act("DELETE", `/roles/${segment(name)}`),

    getLocks: () => get("/locks", list(resource<Lock>())),
    createLock: (lock) => act("PUT", "/locks", { lock }),
    upsertLock: (lock) => repeatable("POST", "/locks", { lock }),
    deleteLock: (name) => act("DELETE", `/locks/${segment(name)}`),

    createSignupToken: (user, ttlMs) =>
      post("/signuptokens", { user, ttl: Math.round(ttlMs * NANOSECONDS_PER_MS) }, text),
    getSignupToken: async (token, remoteAddress) => {
      const shape = object<{ user: string; qrimg: string; otp_key?: string }>("user", "qrimg");
      const query = remoteAddress === undefined ? "" : `?remote_addr=${segment(remoteAddress)}`;
      const { user, qrimg, otp_key } = await get(`/signuptokens/${segment(token)}${query}`, shape);
      return { token, user, qr: qrimg, otp_key: otp_key ?? "" };
    },
    createUserWithToken: (request) => post("/signuptokens/users", request, resource<WebSession>()),

    authenticateSsh: (request) =>
      post(
        `/users/${segment(request.username)}/ssh/authenticate`,
        request,
        object<SshLoginResponse>("username", "cert", "tls_cert", "host_signers"),
      ),
    authenticateWeb: (request) =>
      post(`/users/${segment(request.username)}/web/authenticate`, request, resource<WebSession>()),
    deleteWebSession: (user, id) => act("DELETE", `/users/${segment(user)}/web/sessions/${segment(id)}`),

    generateToken: (request) => post("/tokens", request, text),
    createToken: (token) => act("PUT", "/tokens", { token }),
    upsertToken: (token) => repeatable("PUT", "/tokens", { token, overwrite: true }),
    getToken: (token) => get(`/tokens/${segment(token)}`, provisionToken),
    getTokens: () => get("/tokens", list(provisionToken)),
    deleteToken: (token) => act("DELETE", `/tokens/${segment(token)}`),
    registerUsingToken: (request) => post("/tokens/register", request, packedKeys),
    generateServerKeys: (request) => post("/server/credentials", request, packedKeys, true),
    generateHostCert: (request) => post("/ca/host/certs", request, text, true),

    getNodes: (namespace) =>
      get(`/namespaces/${segment(namespace)}/nodes?skip_validation=true`, list(resource<Server>())),
    deleteNode: (namespace, name) =>
      act("DELETE", `/namespaces/${segment(namespace)}/nodes/${segment(name)}`),
    upsertProxy: (server) => repeatable("POST", "/proxies", { server, ttl: 0 }),
    getProxies: () => get("/proxies", list(resource<Server>())),
    deleteProxy: (name) => act("DELETE", `/proxies/${segment(name)}`),
    getAuthServers: () => get("/authservers", list(resource<Server>())),

    createSession: (session) => act("POST", sessions(session.namespace), { session }),
    updateSession: (update) => repeatable("PUT", sessions(update.namespace, update.id), { update }),
    getSessions: (namespace) => get(sessions(namespace), list(liveSession)),
    getSession: (namespace, id) => get(sessions(namespace, id), liveSession),
    deleteSession: (namespace, id) => act("DELETE", sessions(namespace, id)),

    holdConnectionPlace: async ({ user, id, max }) => {
      const path = `/connections/${segment(user)}/${segment(id)}`;
      return object<ConnectionLease>("lease_ms")(parse(await send("PUT", path, { max }, true)));
    },
    releaseConnectionPlace: (user, id) => act("DELETE", `/connections/${segment(user)}/${segment(id)}`),

    startStorageMove: (file) => post("/storage/moves", file, object<StartedMove>("id", "target")),
    getStorageStatus: () =>
      get("/storage/status", object<StorageStatus>("server", "backend", "settings", "members")),
    abortStorageMove: () => act("POST", "/storage/abort", {}),
    verifyStorage: (against) =>
      post("/storage/verifications", { against }, object<StorageVerification>("id", "done")),
    getStorageVerification: (id) =>
      get(`/storage/verifications/${segment(id)}`, object<StorageVerification>("id", "done")),
    benchStorage: (request) =>
      post("/storage/bench", request, object<StorageBenchReport>("backend", "server", "phases")),

    // An event is better recorded twice than not at all.
    emitAuditEvent: ({ event, code, ...fields }) =>
      repeatable("POST", "/events", { event: { Name: event, Code: code }, fields, type: event }),
    async postSessionSlice(slice) {
      await exchange({
        method: "POST",
        path: `/v2${sessions(slice.namespace, slice.sessionId)}/slice`,
        body: { bytes: encodeSessionSlice(slice) },
        contentType: "application/grpc",
        // As with single events.
        idempotent: true,
      });
    },
    async uploadSessionRecording(id, archive) {
      const { contentType, stream } = multipartUpload(
        { sid: id, namespace: "default" },
        "recording",
        archive,
      );
      await exchange({
        method: "POST",
        path: `/v2${sessions("default", id)}/recording`,
        body: { stream },
        contentType,
      });
    },
    async appendSessionJournal(id, offset, frames) {
      const { server } = await exchange({
        method: "POST",
        path: `/v2${sessions("default", id)}/journal?offset=${offset}`,
        body: { bytes: frames },
        contentType: "application/octet-stream",
        // The same frames at the same place may be sent again, but what has begun at one server cannot go on at another.
        idempotent: true,
        server: journals.of(id),
      });
      journals.took(id, server);
    },
    async finishSessionJournal(id) {
      await exchange({
        method: "POST",
        path: `/v2${sessions("default", id)}/journal/end`,
        body: { json: {} },
        idempotent: true,
        server: journals.of(id),
      });
      journals.done(id);
    },
    async getSessionChunk(id, offset, maxBytes) {
      return (await send("GET", `${sessions("default", id)}/stream?bytes=${maxBytes}&offset=${offset}`))
        .bytes;
    },
    getSessionEvents: (id, after = 0) =>
      get(
        `${sessions("default", id)}/events?print=true${after > 0 ? `&after=${after}` : ""}`,
        list(object<Record<string, unknown>>()),
      ),
    getSessionEventPage: (id, cursor) =>
      get(
        `${sessions("default", id)}/events/page${cursor === undefined ? "" : `?cursor=${segment(cursor)}`}`,
        object<SessionEventPage>("events"),
      ),
    getSessionTimeline: (id, start, limit) => {
      const [[from, value] = []] = Object.entries(start);
      return get(
        `${sessions("default", id)}/timeline?${from === "index" ? "index" : "ms"}=${value}&limit=${limit}`,
        object<SessionTimeline>("durationMs", "frameCount", "index", "frames"),
      );
    },
    getSessionScreen: (id, index) =>
      get(`${sessions("default", id)}/screen?index=${index}`, object<SessionScreen>("elapsedMs", "parts")),
    async searchEvents({ from, to, types = [], limit, order, cursor }) {
      const query = new URLSearchParams({ from: from.toISOString(), to: to.toISOString() });
      for (const type of types) query.append("event", type);
      if (limit) query.set("limit", String(limit));
      if (order) query.set("order", order);
      if (cursor !== undefined) query.set("cursor", cursor);
      const reply = await send("GET", `/events?${query.toString()}`);
      return {
        events: list(object<AuditEvent>("event"))(parse(reply)),
        next: reply.header(NEXT_PAGE_HEADER),
      };
    },
  };
}

const provisionToken = object<ProvisionToken>("token", "roles", "expires");
const packedKeys = object<PackedKeys>("cert", "tls_cert", "tls_ca_certs", "ssh_ca_certs");
const liveSession = object<LiveSession>("id", "login", "server_id");

function sessions(namespace: string, id?: string): string {
  return `/namespaces/${segment(namespace)}/sessions${id === undefined ? "" : `/${segment(id)}`}`;
}

function segment(text: string): string {
  return encodeURIComponent(text);
}

function parse(reply: { bytes: Buffer }): unknown {
  try {
    return JSON.parse(reply.bytes.toString("utf8")) as unknown;
  } catch (cause) {
    throw internal("the auth server's reply is not JSON: is it a Teleport auth server?", { cause });
  }
}
