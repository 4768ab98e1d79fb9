import assert from "node:assert/strict";
import { SECURITY_HEADERS } from "../../../../core/proxy/web/security-headers.js";
import { TestSource, WebFixture, pairFor } from "./web-fixture.js";

const HSTS = "strict-transport-security";

describe("proxy: web server", () => {
  let web: WebFixture;
  before(async () => {
    web = await WebFixture.create({ tls: new TestSource(pairFor("proxy.example.test")) });
    web.answers.getAuthPreference = () => ({ spec: { type: "local", second_factor: "off" } });
  });
  after(() => web.close());

  const pages: [path: string, status: number][] = [
    ["/", 302],
    ["/web", 200],
    ["/web/signup.js", 200],
    ["/web/newuser/0123456789abcdef0123456789abcdef", 200],
    ["/webapi/ping", 200],
    ["/webapi/ping/nosuch", 400],
    ["/webapi/ping/%zz", 400],
    ["/nosuch", 404],
    ["/v1/nosuch", 404],
    [`/webapi/ping/${"x".repeat(200)}`, 414],
  ];
  for (const [path, expected] of pages) {
    it(`sends ${path.slice(0, 30)} with ${expected} and the security headers`, async () => {
      const { status, headers } = await web.call("GET", path);
      assert.equal(status, expected);
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
        assert.equal(headers[name.toLowerCase()], value, name);
      }
      assert.equal(headers[HSTS], "max-age=31536000; includeSubDomains");
    });
  }

  it("answers unknown paths as 4.2 does", async () => {
    const { status, text, headers } = await web.call("GET", "/v1/nosuch");
    assert.equal(status, 404);
    assert.equal(text, "404 page not found\n");
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
  });

  it("answers what is no URL in the form of its other errors", async () => {
    const { json } = await web.call("GET", "/webapi/ping/%zz");
    assert.deepEqual(Object.keys(json as object), ["message"]);
  });

  it("does not put what is no token into its page", async () => {
    for (const token of ["%22%3E%3Cscript%3E", "a%2Fb", "a b".replace(" ", "%20"), "x%0Ay"]) {
      assert.equal((await web.call("GET", `/web/newuser/${token}`)).status, 404, token);
    }
    const { text } = await web.call("GET", "/web/newuser/0123456789abcdef");
    assert.match(text, /data-token="0123456789abcdef"/);
  });
});

describe("proxy: web server without TLS", () => {
  let web: WebFixture;
  before(async () => {
    web = await WebFixture.create();
  });
  after(() => web.close());

  it("serves, and promises no TLS that it does not speak", async () => {
    const { status, headers } = await web.call("GET", "/webapi/find");
    assert.equal(status, 200);
    assert.equal(headers[HSTS], undefined);
    assert.equal(headers["x-content-type-options"], "nosniff");
  });

  it("answers what is no HTTP with the security headers, and closes", async () => {
    const reply = await web.raw("SSH-2.0-OpenSSH_9.2\r\n");
    assert.match(reply, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(reply, /\r\nX-Content-Type-Options: nosniff\r\n/);
  });

  it("refuses headers that are too large", async () => {
    const reply = await web.raw(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
    assert.match(reply, /^HTTP\/1\.1 431 /);
  });
});
