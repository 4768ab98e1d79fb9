/** Requests of stock 4.2 clients, replayed byte for byte against our server. */
import assert from "node:assert/strict";
import { connect, type TLSSocket } from "node:tls";
import { encodeClusterName } from "../../../../core/pki/cluster-sni.js";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import { restExchange, restExchanges, type RestExchange } from "./fixtures.js";
import { TestPki } from "./test-pki.js";
import { startTestServer, type TestServer } from "./test-server.js";

describe("the REST API", () => {
  let pki: TestPki;
  let server: TestServer;
  let behind: Partial<AuthApi>;
  const calls: { method: string; args: unknown[] }[] = [];

  before(async () => {
    pki = await TestPki.create("wire.test");
    behind = {};
    const recording = new Proxy(behind, {
      get:
        (target, property) =>
        (...args: unknown[]): unknown => {
          calls.push({ method: String(property), args });
          return (Reflect.get(target, property) as ((...args: unknown[]) => unknown) | undefined)?.(...args);
        },
    });
    server = await startTestServer(pki, recording);
  });
  after(() => server.close());
  beforeEach(() => {
    calls.length = 0;
    for (const key of Object.keys(behind)) delete behind[key as keyof AuthApi];
  });

  /** Sends an exchange's request as Go does, and reads the reply. */
  async function replay(exchange: RestExchange): Promise<Reply> {
    const { method, url, headers, body } = exchange;
    const text = String(body);
    const bytes = text.startsWith("hex:")
      ? Buffer.from(text.slice(4), "hex")
      : Buffer.from(JSON.stringify(body));
    const payload = body === "" ? Buffer.alloc(0) : bytes;
    const head = [
      `${method} ${url} HTTP/1.1`,
      "Host: teleport.cluster.local",
      "User-Agent: Go-http-client/1.1",
      "Accept-Encoding: gzip",
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      ...(payload.length > 0 ? [`Content-Length: ${payload.length}`] : []),
      "Connection: close",
      "\r\n",
    ].join("\r\n");
    const { keyPem, certPem } = pki.host("Proxy");
    const socket = connect({
      host: "127.0.0.1",
      port: server.port,
      servername: encodeClusterName("wire.test"),
      key: keyPem,
      cert: certPem,
      rejectUnauthorized: false,
    });
    socket.write(Buffer.concat([Buffer.from(head), payload]));
    return readReply(socket);
  }

  /** What the typed interface returns so that the reply should equal the captured one. */
  const answers: Record<string, (reply: never) => Partial<AuthApi>> = {
    Admin_GET_v2_authorities_host: (reply) => ({ getCertAuthorities: async () => reply }),
    Admin_GET_v2_cacert: (reply: { tls_ca: string }) => ({
      getClusterCaCert: async () => Buffer.from(reply.tls_ca, "base64").toString("utf8"),
    }),
    Admin_GET_v2_configuration_name: (reply) => ({ getClusterName: async () => reply }),
    Admin_GET_v2_domain: (reply) => ({ getDomainName: async () => reply }),
    Admin_GET_v2_proxies: (reply) => ({ getProxies: async () => reply }),
    Admin_GET_v2_tokens: (reply) => ({ getTokens: async () => reply }),
    Admin_POST_v2_signuptokens: (reply) => ({ createSignupToken: async () => reply }),
    Node_DELETE_v2_namespaces_default_sessions_ID: () => ({ deleteSession: async () => undefined }),
    Node_GET_v2_authorities_host_leaf_test: (reply) => ({ getCertAuthority: async () => reply }),
    Node_GET_v2_authorities_user: (reply) => ({ getCertAuthorities: async () => reply }),
    Node_GET_v2_configuration: (reply) => ({ getClusterConfig: async () => reply }),
    Node_GET_v2_namespaces: (reply) => ({ getNamespaces: async () => reply }),
    Node_GET_v2_namespaces_default: (reply) => ({ getNamespace: async () => reply }),
    Node_GET_v2_roles: (reply) => ({ getRoles: async () => reply }),
    Node_POST_v2_events: () => ({ emitAuditEvent: async () => undefined }),
    Node_POST_v2_namespaces_default_sessions: () => ({ createSession: async () => undefined }),
    Node_POST_v2_namespaces_default_sessions_ID_recording: () => ({
      async uploadSessionRecording(_id, archive) {
        for await (const chunk of archive) void chunk;
      },
    }),
    Node_POST_v2_namespaces_default_sessions_ID_slice: () => ({ postSessionSlice: async () => undefined }),
    Node_POST_v2_server_credentials: (reply) => ({ generateServerKeys: async () => reply }),
    Node_PUT_v2_namespaces_default_sessions_ID: () => ({ updateSession: async () => undefined }),
    Proxy_GET_v2_authentication_preference: (reply) => ({ getAuthPreference: async () => reply }),
    Proxy_GET_v2_authservers: (reply) => ({ getAuthServers: async () => reply }),
    Proxy_GET_v2_namespaces_default_nodes: (reply) => ({ getNodes: async () => reply }),
    Proxy_GET_v2_reversetunnels: () => ({ getClusterName: async () => ({}) as never }),
    Proxy_GET_v2_tunnelconnections: () => ({ getClusterName: async () => ({}) as never }),
    Proxy_GET_v2_roles_admin: (reply) => ({ getRole: async () => reply }),
    Proxy_GET_v2_signuptokens_TOKEN: (reply: { user: string; qrimg: string }) => ({
      getSignupToken: async (token) => ({ token, user: reply.user, qr: reply.qrimg, otp_key: "" }),
    }),
    Proxy_POST_v2_ca_host_certs: (reply) => ({ generateHostCert: async () => reply }),
    Proxy_POST_v2_proxies: () => ({ upsertProxy: async () => undefined }),
    Proxy_POST_v2_signuptokens_users: (reply) => ({ createUserWithToken: async () => reply }),
    Proxy_POST_v2_users_alice_ssh_authenticate: (reply) => ({ authenticateSsh: async () => reply }),
    Proxy_POST_v2_users_alice_web_authenticate: (reply) => ({ authenticateWeb: async () => reply }),
    nop_POST_v2_tokens_register: (reply) => ({ registerUsingToken: async () => reply }),
    user_GET_v2_namespaces_default_sessions: (reply) => ({ getSessions: async () => reply }),
    user_GET_v2_namespaces_default_sessions_ID_events: (reply) => ({ getSessionEvents: async () => reply }),
    user_GET_v2_namespaces_default_sessions_ID_stream: (reply) => ({
      getSessionChunk: async () => Buffer.from(reply),
    }),
  };

  it("has an answer here for every captured exchange", () => {
    assert.deepEqual(restExchanges.map(({ name }) => name).sort(), Object.keys(answers).sort());
  });

  for (const exchange of restExchanges) {
    it(`answers ${exchange.method} ${exchange.url} as 4.2 does`, async () => {
      Object.assign(behind, answers[exchange.name]?.(exchange.reply as never));
      const reply = await replay(exchange);
      assert.equal(reply.status, exchange.status, reply.body.toString());
      assert.equal(reply.headers["content-type"], exchange.contentType);
      assert.equal(reply.headers["cache-control"], "no-cache, no-store, must-revalidate");
      assert.equal(reply.headers["pragma"], "no-cache");
      const got: unknown =
        exchange.contentType === "application/json"
          ? JSON.parse(reply.body.toString())
          : reply.body.toString();
      const own = exchange.name === "Proxy_GET_v2_signuptokens_TOKEN" ? ["token", "otp_key"] : [];
      assert.deepEqual(without(got, own), exchange.reply);
    });
  }

  it("passes on what stock clients say", async () => {
    const cases: [string, string, unknown[]][] = [
      [
        "Node_POST_v2_events",
        "emitAuditEvent",
        [
          {
            ...(restExchange("Node_POST_v2_events").body as { fields: object }).fields,
            event: "session.data",
            code: "T2006I",
          },
        ],
      ],
      ["Admin_GET_v2_authorities_host", "getCertAuthorities", ["host", false]],
      [
        "Admin_POST_v2_signuptokens",
        "createSignupToken",
        [{ name: "alice", allowed_logins: ["root", "ubuntu"], kube_groups: [] }, 3_600_000],
      ],
      [
        "user_GET_v2_namespaces_default_sessions_ID_stream",
        "getSessionChunk",
        ["0c490820-9ee2-4bcc-83c4-e4e4f4a52d25", 0, 5242880],
      ],
    ];
    for (const [name, method, args] of cases) {
      calls.length = 0;
      Object.assign(behind, answers[name]?.(restExchange(name).reply as never));
      await replay(restExchange(name));
      assert.deepEqual(calls, [{ method, args }]);
    }
  });

  it("takes proxies' heartbeats as such, though 4.2 sends them as nodes", async () => {
    await replay(restExchange("Proxy_POST_v2_proxies"));
    const [call] = calls;
    assert.equal(call?.method, "upsertProxy");
    assert.equal((call?.args[0] as { kind: string }).kind, "proxy");
  });

  it("passes on what a proxy says of a joining host's address", async () => {
    Object.assign(behind, answers["nop_POST_v2_tokens_register"]?.(null as never));
    const { body, ...exchange } = restExchange("nop_POST_v2_tokens_register");
    await replay({ ...exchange, body: { ...(body as object), remote_addr: "6.6.6.6:1" } });
    assert.equal((calls[0]?.args[0] as { remote_addr: string }).remote_addr, "6.6.6.6:1");
  });

  it("logs in the user of the path, whatever the body says", async () => {
    Object.assign(behind, answers["Proxy_POST_v2_users_alice_ssh_authenticate"]?.({} as never));
    const { body, ...exchange } = restExchange("Proxy_POST_v2_users_alice_ssh_authenticate");
    await replay({ ...exchange, body: { ...(body as object), username: "root" } });
    assert.equal((calls[0]?.args[0] as { username: string }).username, "alice");
  });

  const refused: [what: string, change: Partial<RestExchange>, status: number, text: RegExp][] = [
    ["an unknown path", { method: "GET", url: "/v2/nosuch", body: "" }, 404, /^404 page not found\n$/],
    ["an unknown version", { method: "GET", url: "/v3/domain", body: "" }, 404, /^404 page not found\n$/],
    ["malformed JSON", { body: "hex:7b", url: "/v2/users" }, 400, /"message":/],
    ["a body that is a list", { body: [], url: "/v2/users" }, 400, /must be a JSON object/],
    [
      "a resource without a name",
      { body: { user: { metadata: {} } }, url: "/v2/users" },
      400,
      /metadata.name/,
    ],
    [
      "a body that would change prototypes",
      { body: "hex:" + Buffer.from('{"__proto__":{"a":1}}').toString("hex"), url: "/v2/users" },
      400,
      /"message":/,
    ],
    ["too large a body", { body: { a: "x".repeat(5_000_000) }, url: "/v2/users" }, 400, /too large/i],
    [
      "a session id with a path in it",
      { method: "GET", body: "", url: "/v2/namespaces/default/sessions/..%2f..%2fetc/stream" },
      400,
      /not a valid session id/,
    ],
    [
      "a namespace there is not",
      {
        method: "GET",
        body: "",
        url: "/v2/namespaces/x/sessions/0c490820-9ee2-4bcc-83c4-e4e4f4a52d25/stream",
      },
      404,
      /namespace 'x' is not found/,
    ],
    [
      "a negative offset",
      {
        method: "GET",
        body: "",
        url: "/v2/namespaces/default/sessions/0c490820-9ee2-4bcc-83c4-e4e4f4a52d25/stream?offset=-1",
      },
      400,
      /not negative/,
    ],
    [
      "a role that is no system role",
      { body: { role: "Root", token: "t" }, url: "/v2/tokens/register" },
      400,
      /no role of a host/,
    ],
    [
      "an upload without a recording",
      {
        headers: { "content-type": 'multipart/form-data; boundary="b"' },
        body: "hex:" + Buffer.from("--b--\r\n").toString("hex"),
        url: "/v2/namespaces/default/sessions/0c490820-9ee2-4bcc-83c4-e4e4f4a52d25/recording",
      },
      400,
      /holds no recording/,
    ],
  ];
  for (const [what, change, status, text] of refused) {
    it(`refuses ${what}`, async () => {
      const base: RestExchange = {
        name: what,
        method: "POST",
        url: "/v2/users",
        headers: { "content-type": "application/json" },
        body: "",
        status,
        contentType: "",
        reply: "",
      };
      const reply = await replay({ ...base, ...change });
      assert.equal(reply.status, status, reply.body.toString());
      assert.match(reply.body.toString(), text);
      assert.deepEqual(calls, []);
    });
  }

  it("keeps the text of unforeseen failures to itself", async () => {
    behind.getRoles = () => Promise.reject(new Error("SQLITE_IOERR /var/lib/secret"));
    const reply = await replay(restExchange("Node_GET_v2_roles"));
    assert.equal(reply.status, 500);
    assert.doesNotMatch(reply.body.toString(), /SQLITE|secret/);
  });

  it("takes the old paths without a namespace", async () => {
    behind.getNodes = async () => [];
    const reply = await replay({
      ...restExchange("Proxy_GET_v2_namespaces_default_nodes"),
      url: "/v1/nodes",
    });
    assert.equal(reply.status, 200);
    assert.deepEqual(calls, [{ method: "getNodes", args: ["default"] }]);
  });
});

interface Reply {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

async function readReply(socket: TLSSocket): Promise<Reply> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  const all = Buffer.concat(chunks);
  const end = all.indexOf("\r\n\r\n");
  const [first = "", ...lines] = all.subarray(0, end).toString().split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
  );
  return { status: Number(first.split(" ")[1]), headers, body: all.subarray(end + 4) };
}

function without(value: unknown, keys: readonly string[]): unknown {
  if (keys.length === 0) return value;
  return Object.fromEntries(Object.entries(value as object).filter(([key]) => !keys.includes(key)));
}
