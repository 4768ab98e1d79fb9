/** What every transport of the typed interface must do, whatever lies between the caller and the auth service. */
import assert from "node:assert/strict";
import type { AuthApi, KeepAlive, SessionSlice, WatchEvent } from "../../../../core/auth/client/api.js";
import {
  accessDenied,
  alreadyExists,
  badParameter,
  compareFailed,
  hasCode,
  limitExceeded,
  notFound,
  notImplemented,
  unavailable,
  type CodedError,
} from "../../../../core/errors/error.js";
import * as sample from "./sample-resources.js";

const SID = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";

/** Makes a caller's interface that reaches `behind`, and a function that takes it down. */
export type Transport = (behind: Partial<AuthApi>) => Promise<{ api: AuthApi; close(): Promise<void> }>;

/** One call: its arguments must arrive and its result must come back, both unchanged. */
interface Exchange {
  method: keyof AuthApi;
  args: unknown[];
  result?: unknown;
}

const from = new Date("2026-11-22T10:00:00.000Z");
const to = new Date("2026-11-22T11:00:00.000Z");
const event = {
  event: "exec",
  code: "T3002I",
  time: "2026-11-22T10:19:03.000Z",
  uid: "u-1",
  command: "echo hi",
};
const keepAlive: KeepAlive = { serverName: "n-1", namespace: "default", leaseId: 7, expires: to };
const slice: SessionSlice = {
  namespace: "default",
  sessionId: SID,
  version: 3,
  chunks: [
    {
      timeUnixNs: 1795342743123456789n,
      data: Buffer.from('{"event":"session.start"}'),
      eventType: "session.start",
      eventIndex: 1,
      chunkIndex: 2,
      offset: 3,
      delayMs: 4,
    },
  ],
};
const packedKeys = {
  key: null,
  cert: "Y2VydA==",
  tls_cert: "dGxz",
  tls_ca_certs: ["Y2E="],
  ssh_ca_certs: ["c3No"],
};
const hostKeys = {
  additional_principals: ["node1", "127.0.0.1"],
  dns_names: [],
  public_tls_key: "dGxz",
  public_ssh_key: "c3No",
};
const loginReply = { username: "alice", cert: "Y2VydA==", tls_cert: "dGxz", host_signers: [] };

const verification = (done: boolean): object => ({
  ...{ id: SID, done, backend: "dir", items: 3, bytes: 9, kinds: [{ kind: "role", items: 3, bytes: 9 }] },
  ...{ digest: "", damaged: [], damaged_items: 0, differing: [], differing_items: 0 },
});

const EXCHANGES: Exchange[] = [
  { method: "ping", args: [], result: { clusterName: "wire.test", serverVersion: "4.2.12" } },
  { method: "getDomainName", args: [], result: "wire.test" },
  { method: "getClusterCaCert", args: [], result: "-----BEGIN CERTIFICATE-----\nx\n" },
  { method: "getCertAuthorities", args: ["host", false], result: [sample.authority] },
  { method: "getCertAuthority", args: ["user", "wire.test", true], result: sample.authority },
  { method: "createCertAuthority", args: [sample.authority] },
  { method: "upsertCertAuthority", args: [sample.authority] },
  { method: "getClusterName", args: [], result: sample.clusterName },
  { method: "getClusterConfig", args: [], result: sample.clusterConfig },
  { method: "setClusterConfig", args: [sample.clusterConfig] },
  { method: "getAuthPreference", args: [], result: sample.authPreference },
  { method: "setAuthPreference", args: [sample.authPreference] },
  { method: "getStaticTokens", args: [], result: sample.staticTokens },
  { method: "getKeptResources", args: ["remote_cluster", false], result: [sample.remoteCluster] },
  { method: "getKeptResources", args: ["github", true], result: [sample.githubConnector] },
  { method: "getNamespaces", args: [], result: [sample.namespace] },
  { method: "getNamespace", args: ["default"], result: sample.namespace },
  { method: "getUsers", args: [false], result: [sample.user, sample.plainUser] },
  { method: "getUsers", args: [true], result: [] },
  { method: "getUser", args: ["alice", true], result: sample.user },
  { method: "createUser", args: [sample.user] },
  { method: "upsertUser", args: [sample.user] },
  { method: "deleteUser", args: ["o'neill/ä b"] },
  { method: "getRoles", args: [], result: [sample.role] },
  { method: "getRole", args: ["admin"], result: sample.role },
  { method: "createRole", args: [sample.role] },
  { method: "upsertRole", args: [sample.role] },
  { method: "deleteRole", args: ["dev"] },
  { method: "getLocks", args: [], result: [sample.lock] },
  { method: "createLock", args: [sample.lock] },
  { method: "upsertLock", args: [sample.lock] },
  { method: "deleteLock", args: ["l 1"] },
  {
    method: "createSignupToken",
    args: [{ name: "bob", allowed_logins: ["root"], kube_groups: [], roles: ["dev"] }, 3_600_000],
    result: "c70c3cd1a182e042a289917bd40456f4",
  },
  {
    method: "getSignupToken",
    args: ["c70c", "192.0.2.7:4711"],
    result: { token: "c70c", user: "bob", qr: "iVBORw==", otp_key: "JBSWY3DP" },
  },
  {
    method: "createUserWithToken",
    args: [{ token: "c70c", password: "secret1", otp_token: "123456" }],
    result: sample.webSession,
  },
  {
    method: "authenticateSsh",
    args: [
      {
        username: "alice",
        otp: { password: "cGFzcw==", token: "123456" },
        public_key: "a2V5",
        ttl: 43_200_000_000_000,
        compatibility_mode: "",
        route_to_cluster: "",
        remote_addr: "10.0.0.1:1234",
      },
    ],
    result: loginReply,
  },
  {
    method: "authenticateWeb",
    args: [{ username: "alice", session: { id: "abc" } }],
    result: sample.webSession,
  },
  { method: "deleteWebSession", args: ["alice", "abc"] },
  { method: "generateToken", args: [{ roles: ["Node"], ttl: 1, token: "t", single_use: true }], result: "t" },
  {
    method: "getTokens",
    args: [],
    result: [{ roles: ["Node"], expires: "1970-01-01T00:00:00Z", token: "nodetoken" }],
  },
  { method: "createToken", args: [sample.token] },
  { method: "upsertToken", args: [sample.token] },
  { method: "getToken", args: ["node/token"], result: sample.token },
  { method: "deleteToken", args: ["nodetoken"] },
  {
    method: "generateHostCert",
    args: [
      {
        key: "a2V5",
        hostname: "h",
        node_name: "n",
        principals: ["p"],
        auth_domain: "wire.test",
        roles: ["Node"],
        ttl: 0,
      },
    ],
    result: "ssh-rsa-cert-v01@openssh.com AAAA\n",
  },
  {
    method: "generateUserCerts",
    args: [{ publicKey: "ssh-rsa AAAA\n", username: "alice", expires: to, routeToCluster: "leaf.test" }],
    result: { ssh: "ssh-rsa-cert-v01@openssh.com AAAA\n", tls: "-----BEGIN CERTIFICATE-----\n" },
  },
  { method: "upsertNode", args: [sample.node], result: keepAlive },
  { method: "getNodes", args: ["default"], result: [sample.node] },
  { method: "deleteNode", args: ["default", "n-1"] },
  { method: "upsertProxy", args: [sample.proxy] },
  { method: "getProxies", args: [], result: [sample.proxy] },
  { method: "deleteProxy", args: ["p-1"] },
  { method: "getAuthServers", args: [], result: [] },
  { method: "createSession", args: [sample.liveSession] },
  {
    method: "updateSession",
    args: [{ id: SID, namespace: "default", terminal_params: { w: 80, h: 24 }, parties: null }],
  },
  { method: "getSessions", args: ["default"], result: [sample.liveSession] },
  { method: "getSession", args: ["default", SID], result: sample.liveSession },
  { method: "deleteSession", args: ["default", SID] },
  {
    method: "holdConnectionPlace",
    args: [{ user: "alice", id: SID, max: 3 }],
    result: { lease_ms: 120_000 },
  },
  { method: "releaseConnectionPlace", args: ["alice", SID] },
  {
    method: "startStorageMove",
    args: [{ name: "/etc/teleport.yaml", text: "teleport: {}\n" }],
    result: { id: SID, target: "{type: dir}", not_applied: ["teleport.nodename"] },
  },
  {
    method: "getStorageStatus",
    args: [],
    result: { server: "auth1", backend: "dir", settings: "{type: dir}", epoch: 0, members: [] },
  },
  { method: "abortStorageMove", args: [] },
  {
    method: "verifyStorage",
    args: [{ name: "/etc/other.yaml", text: "teleport: {}\n" }],
    result: verification(false),
  },
  { method: "getStorageVerification", args: [SID], result: verification(true) },
  {
    method: "benchStorage",
    args: [{ duration_ms: 1000, in_flight: 4, value_bytes: 100 }],
    result: {
      backend: "dir",
      server: "auth1",
      value_bytes: 100,
      range_items: 1000,
      phases: [{ name: "put", in_flight: 4, count: 0, failed: 1, error: "disk full", per_second: 0 }],
    },
  },
  { method: "emitAuditEvent", args: [{ event: "exec", code: "T3002I", command: "echo hi", ei: 2147483646 }] },
  { method: "postSessionSlice", args: [slice] },
  { method: "appendSessionJournal", args: [SID, 4096, Buffer.from("frames")] },
  { method: "finishSessionJournal", args: [SID] },
  { method: "getSessionEvents", args: [SID, 3], result: [{ event: "print", bytes: 4, id: 3 }] },
  {
    method: "getSessionEventPage",
    args: [SID, "3-400"],
    result: { events: [{ event: "print", bytes: 4, id: 3 }], next: "4-500" },
  },
  {
    method: "getSessionTimeline",
    args: [SID, { elapsedMs: 43_200_000 }, 10],
    result: {
      durationMs: 86_400_000,
      frameCount: 1_000_000,
      index: 500_000,
      frames: [{ elapsedMs: 43_200_100, offset: 1e9, bytes: 7, size: { columns: 80, rows: 25 } }],
    },
  },
  {
    method: "getSessionScreen",
    args: [SID, 500_000],
    result: {
      elapsedMs: 43_200_000,
      size: { columns: 80, rows: 25 },
      parts: [{ modes: "\u001b[0m", offset: 5, bytes: 6 }],
    },
  },
  {
    method: "searchEvents",
    args: [{ from, to, types: ["exec", "scp"], limit: 5, order: "newest-first", cursor: "c 1/ä" }],
    result: { events: [event], next: "c2" },
  },
];

const ERRORS: CodedError[] = [
  notFound('user "nosuch" is not found'),
  badParameter("bad"),
  notImplemented("not here"),
  compareFailed("changed"),
  accessDenied("no way"),
  alreadyExists("already there"),
  limitExceeded("too many"),
  unavailable("storage is away"),
];

/** Declares the suite for one transport. */
export function apiContract(name: string, transport: Transport): void {
  describe(`the auth API over ${name}`, () => {
    /** Runs `body` with a caller's interface to a fake service. */
    async function over(behind: Partial<AuthApi>, body: (api: AuthApi) => Promise<void>): Promise<void> {
      const transported = await transport(behind);
      try {
        await body(transported.api);
      } finally {
        await transported.close();
      }
    }

    for (const { method, args, result } of EXCHANGES) {
      it(`carries ${method}(${JSON.stringify(args, plain).slice(1, 60)})`, async () => {
        const arrived: unknown[][] = [];
        const answer = (...received: unknown[]): Promise<unknown> => {
          arrived.push(received);
          return Promise.resolve(result);
        };
        await over({ [method]: answer }, async (api) => {
          const call = (api as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[method]!;
          const answered = await call(...args);
          assert.deepEqual(comparable(answered), comparable(result));
        });
        assert.deepEqual(comparable(arrived), comparable([args]));
      });
    }

    it("carries registerUsingToken and generateServerKeys, with the address as the service sees it", async () => {
      const addresses: string[] = [];
      const answer = async ({ remote_addr }: { remote_addr: string }): Promise<typeof packedKeys> => {
        addresses.push(remote_addr);
        return packedKeys;
      };
      await over({ registerUsingToken: answer, generateServerKeys: answer }, async (api) => {
        const registration = { hostID: "h", node_name: "n", role: "Node", token: "t", ...hostKeys } as const;
        assert.deepEqual(await api.registerUsingToken({ ...registration, remote_addr: "" }), packedKeys);
        const renewal = { host_id: "h", node_name: "n", roles: ["Node" as const], ...hostKeys };
        assert.deepEqual(await api.generateServerKeys({ ...renewal, remote_addr: "" }), packedKeys);
      });
      assert.equal(addresses.length, 2);
    });

    for (const error of ERRORS) {
      for (const method of ["getUser", "getRole"] as const) {
        it(`carries ${error.code} of ${method} with its text`, async () => {
          await over({ [method]: () => Promise.reject(error) }, async (api) => {
            await assert.rejects(api[method]("nosuch"), { code: error.code, message: error.message });
          });
        });
      }
    }

    it("streams keep-alives one by one, while the stream stays open", async () => {
      const arrived: KeepAlive[] = [];
      let more = (): void => undefined;
      const keepAliveNode = async (messages: AsyncIterable<KeepAlive>): Promise<void> => {
        for await (const message of messages) {
          arrived.push(message);
          more();
        }
      };
      await over({ keepAliveNode }, async (api) => {
        async function* twice(): AsyncIterable<KeepAlive> {
          for (let i = 0; i < 2; i++) {
            const received = new Promise<void>((resolve) => (more = resolve));
            yield keepAlive;
            await received;
          }
        }
        await api.keepAliveNode(twice());
      });
      assert.deepEqual(arrived, [keepAlive, keepAlive]);
    });

    it("reports a keep-alive stream that the service ends", async () => {
      const keepAliveNode = async (messages: AsyncIterable<KeepAlive>): Promise<void> => {
        for await (const { serverName } of messages) throw notFound(`node ${serverName} is not found`);
      };
      await over({ keepAliveNode }, async (api) => {
        const endless = new AbortController();
        async function* one(): AsyncIterable<KeepAlive> {
          yield keepAlive;
          await new Promise<void>((resolve) => endless.signal.addEventListener("abort", () => resolve()));
        }
        await assert.rejects(api.keepAliveNode(one()), { code: "not_found" });
        endless.abort();
      });
    });

    it("watches: every kind of change arrives in order, and aborting ends the stream on both sides", async () => {
      const changes: WatchEvent[] = [
        { type: "init" },
        ...[
          sample.authority,
          sample.clusterName,
          sample.clusterConfig,
          sample.user,
          sample.role,
          sample.namespace,
          sample.node,
          sample.proxy,
        ].map((resource): WatchEvent => ({ type: "put", resource })),
        { type: "delete", kind: "cert_authority", subKind: "host", name: "leaf.test" },
      ];
      let kinds: unknown;
      let ended = (): void => undefined;
      const serverEnded = new Promise<void>((resolve) => (ended = resolve));
      async function* watch(wanted: unknown, signal: AbortSignal): AsyncIterable<WatchEvent> {
        kinds = wanted;
        yield* changes;
        if (!signal.aborted) {
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        }
        ended();
      }
      await over({ watch: watch as AuthApi["watch"] }, async (api) => {
        const stop = new AbortController();
        const seen: WatchEvent[] = [];
        const wanted = [{ kind: "user", name: "", loadSecrets: true }];
        for await (const change of api.watch(wanted, stop.signal)) {
          seen.push(change);
          if (seen.length === changes.length) stop.abort();
        }
        await serverEnded;
        assert.deepEqual(seen, changes);
        assert.deepEqual(kinds, wanted);
      });
    });

    it("ends a watch with the error of the service", async () => {
      async function* watch(): AsyncIterable<WatchEvent> {
        throw unavailable("too slow");
      }
      await over({ watch }, async (api) => {
        const reading = (async () => {
          for await (const change of api.watch([{ kind: "user" }], new AbortController().signal)) void change;
        })();
        await assert.rejects(reading, { code: "unavailable" });
      });
    });

    it("streams recordings both ways", async () => {
      const archive = Buffer.alloc(3_000_000, "tar \r\n--");
      let stored: Buffer = Buffer.alloc(0);
      const behind: Partial<AuthApi> = {
        async uploadSessionRecording(id, chunks) {
          assert.equal(id, SID);
          const parts: Uint8Array[] = [];
          for await (const chunk of chunks) parts.push(chunk);
          stored = Buffer.concat(parts);
        },
        getSessionChunk: async (_id, offset, maxBytes) => stored.subarray(offset, offset + maxBytes),
      };
      await over(behind, async (api) => {
        await api.uploadSessionRecording(
          SID,
          (async function* () {
            for (let at = 0; at < archive.length; at += 100_000) yield archive.subarray(at, at + 100_000);
          })(),
        );
        assert.ok(stored.equals(archive));
        assert.ok(
          Buffer.from(await api.getSessionChunk(SID, 10, 1_000_000)).equals(archive.subarray(10, 1_000_010)),
        );
        assert.equal((await api.getSessionChunk(SID, archive.length, 10)).length, 0);
      });
    });

    it("fails an upload that the store refuses half-way", async () => {
      const behind: Partial<AuthApi> = {
        async uploadSessionRecording(_id, chunks) {
          for await (const chunk of chunks) void chunk;
          throw badParameter("failed to validate archive");
        },
      };
      await over(behind, async (api) => {
        const upload = api.uploadSessionRecording(
          SID,
          (async function* () {
            yield Buffer.alloc(10);
          })(),
        );
        await assert.rejects(upload, (error) => hasCode(error, "bad_parameter"));
      });
    });
  });
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

/** Bytes compare as text, whatever view they come in. */
function comparable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (key, item: unknown) =>
      item instanceof Uint8Array ? Buffer.from(item).toString("hex") : plain(key, item),
    ),
  );
}
