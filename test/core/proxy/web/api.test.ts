import assert from "node:assert/strict";
import { accessDenied, limitExceeded, notFound, unavailable } from "../../../../core/errors/error.js";
import { MIN_CLIENT_VERSION, VERSION } from "../../../../core/grammar/version.js";
import { WebFixture } from "./web-fixture.js";

const CERTS = "/v1/webapi/ssh/certs";
const PASSWORD = "hunter2-and-more";
const login = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  user: "alice",
  password: PASSWORD,
  hotp_token: "",
  otp_token: "",
  pub_key: "c3No",
  ttl: 43_200_000_000_000,
  RouteToCluster: "wire.test",
  ...fields,
});

describe("proxy: web API", () => {
  let web: WebFixture;
  beforeEach(async () => {
    web = await WebFixture.create();
    web.answers.getAuthPreference = () => ({ spec: { type: "local", second_factor: "off" } });
    web.answers.authenticateSsh = () => ({ username: "alice", cert: "", tls_cert: "", host_signers: [] });
  });
  afterEach(() => web.close());

  describe("settings", () => {
    // The shapes that 4.2.12 was seen to answer with.
    const proxy = {
      kube: {},
      ssh: {
        listen_addr: "127.0.0.1:22023",
        tunnel_listen_addr: "127.0.0.1:22024",
        public_addr: "localhost:22080",
      },
    };
    const shapes: Record<string, unknown> = {
      "/ping": {
        auth: { type: "local", second_factor: "off" },
        proxy,
        server_version: VERSION,
        min_client_version: MIN_CLIENT_VERSION,
      },
      "/ping/local": {
        auth: { type: "local", second_factor: "off" },
        proxy,
        server_version: VERSION,
        min_client_version: "",
      },
      "/find": { auth: { type: "" }, proxy, server_version: VERSION, min_client_version: MIN_CLIENT_VERSION },
    };
    for (const prefix of ["/webapi", "/v1/webapi"]) {
      for (const [path, shape] of Object.entries(shapes)) {
        it(`answers ${prefix}${path}`, async () => {
          const { status, json } = await web.call("GET", prefix + path);
          assert.equal(status, 200);
          assert.deepEqual(json, shape);
        });
      }
    }

    it("refuses an unknown connector", async () => {
      const { status, json } = await web.call("GET", "/webapi/ping/nosuch");
      assert.equal(status, 400);
      assert.deepEqual(json, { message: "invalid connector name nosuch" });
    });
  });

  describe("login", () => {
    it("passes a password on", async () => {
      assert.equal((await web.call("POST", CERTS, login())).status, 200);
      const [[name, request]] = web.calls as [[string, Record<string, unknown>]];
      const { remote_addr, ...rest } = request;
      assert.equal(name, "authenticateSsh");
      assert.match(remote_addr as string, /^127\.0\.0\.1:\d+$/);
      assert.deepEqual(rest, {
        username: "alice",
        pass: { password: Buffer.from(PASSWORD).toString("base64") },
        public_key: "c3No",
        ttl: 43_200_000_000_000,
        compatibility_mode: "",
        route_to_cluster: "wire.test",
      });
    });

    for (const field of ["otp_token", "hotp_token"]) {
      it(`passes a second factor in ${field} on`, async () => {
        assert.equal((await web.call("POST", CERTS, login({ [field]: "123456" }))).status, 200);
        const { pass, otp } = web.calls[0]![1] as Record<string, unknown>;
        assert.equal(pass, undefined);
        assert.deepEqual(otp, { password: Buffer.from(PASSWORD).toString("base64"), token: "123456" });
      });
    }

    it("takes a lifetime of a year, which the roles cap", async () => {
      const year = 365 * 86_400 * 1e9;
      assert.equal((await web.call("POST", CERTS, login({ ttl: year }))).status, 200);
      assert.equal((web.calls[0]![1] as { ttl: number }).ttl, year);
    });

    const wrong: [why: string, body: unknown, message: RegExp][] = [
      ["a number for the user", login({ user: 7 }), /^user: /],
      ["no user", login({ user: "" }), /^user: /],
      ["a list for the password", login({ password: [PASSWORD] }), /^password: /],
      ["a negative lifetime", login({ ttl: -1 }), /^ttl: /],
      ["a text for the lifetime", login({ ttl: PASSWORD }), /^ttl: /],
      ["no key", login({ pub_key: undefined }), /^pub_key: /],
      ["a list", [PASSWORD], /^body: /],
      ["null", "null", /^body: /],
      ["malformed JSON", `{"password": "${PASSWORD}`, /not valid JSON/],
      ["a poisoned prototype", `{"__proto__": {"user": "${PASSWORD}"}}`, /./],
    ];
    for (const [why, body, message] of wrong) {
      it(`refuses ${why} without repeating it`, async () => {
        const { status, json, text } = await web.call("POST", CERTS, body);
        assert.equal(status, 400);
        assert.match((json as { message: string }).message, message);
        assert.ok(!text.includes(PASSWORD), text);
        assert.ok(!web.log.lines.join().includes(PASSWORD), web.log.lines.join());
        assert.deepEqual(web.calls, []);
      });
    }

    it("refuses a body of more than a megabyte", async () => {
      const { status } = await web.call("POST", CERTS, login({ password: "x".repeat(1024 * 1024) }));
      assert.equal(status, 413);
    });

    it("refuses a body of another kind", async () => {
      const { status } = await web.call("POST", CERTS, "user=alice", "application/x-www-form-urlencoded");
      assert.equal(status, 415);
    });

    const OUT_OF_ORDER = "the cluster cannot serve this now, try again later; the log of the proxy says why";
    const failures: [Error, number, string][] = [
      [
        accessDenied("invalid username, password or second factor"),
        403,
        "invalid username, password or second factor",
      ],
      [limitExceeded("too many attempts"), 429, "too many attempts"],
      [notFound("no such thing"), 404, "no such thing"],
      [unavailable("the disk that holds /var/lib/teleport/backend is full"), 504, OUT_OF_ORDER],
      [new Error("SELECT secret FROM users"), 500, OUT_OF_ORDER],
    ];
    for (const [error, expected, message] of failures) {
      it(`answers ${expected} to "${error.message}"`, async () => {
        web.answers.authenticateSsh = () => {
          throw error;
        };
        const { status, json } = await web.call("POST", CERTS, login());
        assert.equal(status, expected);
        assert.deepEqual(json, { message });
        assert.ok(!web.log.lines.join().includes(PASSWORD));
      });
    }
  });

  it("hands a joining host's request on with its address, not with the one that it claims", async () => {
    web.answers.registerUsingToken = () => ({ key: "" });
    const body = {
      hostID: "h1",
      node_name: "n1",
      role: "Node",
      token: "t",
      additional_principals: ["n1"],
      dns_names: null,
      public_tls_key: "a",
      public_ssh_key: "b",
    };
    await web.call("POST", "/v1/webapi/host/credentials", { ...body, remote_addr: "192.0.2.1:1" });
    const { remote_addr, ...rest } = web.calls[0]![1] as Record<string, unknown>;
    assert.match(remote_addr as string, /^127\.0\.0\.1:\d+$/);
    assert.deepEqual(rest, body);
  });

  describe("signup", () => {
    it("shows an invitation", async () => {
      web.answers.getSignupToken = (token) => ({ token, user: "alice", qr: "cG5n", otp_key: "ABC" });
      const { json } = await web.call("GET", "/v1/webapi/users/invites/0123456789abcdef");
      assert.deepEqual(json, { invite_token: "0123456789abcdef", user: "alice", qr: "cG5n", otp_key: "ABC" });
    });

    it("keeps the token of an invitation out of the log", async () => {
      web.answers.getSignupToken = () => {
        throw notFound("the invitation has expired");
      };
      assert.equal((await web.call("GET", "/v1/webapi/users/invites/0123456789abcdef")).status, 404);
      assert.match(web.log.lines.join(), /invites\/:token/);
      assert.ok(!web.log.lines.join().includes("0123456789abcdef"));
    });

    it("starts a session in the form that browsers keep to themselves", async () => {
      const expires = new Date(Date.now() + 600_000).toISOString();
      web.answers.createUserWithToken = () => ({
        metadata: { name: "sid1" },
        spec: { user: "alice", bearer_token: "bearer1", bearer_token_expires: expires },
      });
      const body = { invite_token: "t", pass: PASSWORD, second_factor_token: "123456" };
      const { json, headers } = await web.call("POST", "/v1/webapi/users", body);
      const { remote_addr, ...rest } = web.calls[0]![1] as Record<string, unknown>;
      assert.match(remote_addr as string, /^127\.0\.0\.1:\d+$/);
      assert.deepEqual(rest, { token: "t", password: PASSWORD, otp_token: "123456" });
      const { type, token, expires_in } = json as { type: string; token: string; expires_in: number };
      assert.deepEqual({ type, token }, { type: "Bearer", token: "bearer1" });
      assert.ok(expires_in > 590 && expires_in <= 600);
      const cookie = Buffer.from(JSON.stringify({ user: "alice", sid: "sid1" })).toString("hex");
      assert.deepEqual(headers["set-cookie"], [`session=${cookie}; Path=/; HttpOnly; Secure; SameSite=Lax`]);
    });
  });
});
