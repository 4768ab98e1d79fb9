import assert from "node:assert/strict";
import { authorityCodec, withoutPrivateKeys } from "../../../core/resources/authority-codec.js";
import {
  authPreferenceCodec,
  clusterConfigCodec,
  clusterNameCodec,
  namespaceCodec,
  staticTokensCodec,
} from "../../../core/resources/cluster-codec.js";
import type { Codec } from "../../../core/resources/codec.js";
import { roleCodec } from "../../../core/resources/role-codec.js";
import { serverCodec } from "../../../core/resources/server-codec.js";
import { liveSessionCodec, webSessionCodec } from "../../../core/resources/session-codec.js";
import { signupTokenCodec } from "../../../core/resources/signup-token.js";
import { tokenCodec } from "../../../core/resources/token-codec.js";
import { userCodec } from "../../../core/resources/user-codec.js";
import { readStore42 } from "./store-4.2.js";

const CODECS: readonly [RegExp, Codec<unknown>][] = [
  [/^\/authorities\//, authorityCodec],
  [/^\/authentication\/preference\/general$/, authPreferenceCodec],
  [/^\/cluster_configuration\/general$/, clusterConfigCodec],
  [/^\/cluster_configuration\/name$/, clusterNameCodec],
  [/^\/cluster_configuration\/static_tokens$/, staticTokensCodec],
  [/^\/namespaces\/[^/]+\/params$/, namespaceCodec],
  [/^\/roles\//, roleCodec],
  [/^\/tokens\//, tokenCodec],
  [/^\/addusertokens\//, signupTokenCodec],
  [/^\/nodes\//, serverCodec("node")],
  [/^\/proxies\//, serverCodec("proxy")],
  [/^\/authservers\//, serverCodec("auth_server")],
  [/^\/web\/users\/[^/]+\/params$/, userCodec],
  [/^\/web\/users\/[^/]+\/sessions\//, webSessionCodec],
];

describe("stored bytes", () => {
  for (const { key, text } of readStore42()) {
    const codec = CODECS.find(([pattern]) => pattern.test(key))?.[1];
    if (codec !== undefined) {
      it(`of ${key} are written just as 4.2 writes them`, () => {
        assert.equal(codec.encode(codec.decode(key, Buffer.from(text))).toString(), text);
      });
    }
  }

  it("of an authority are canonical, however it came in", () => {
    const row = readStore42().find(({ key }) => key === "/authorities/host/store.test");
    assert.ok(row);
    const { kind, version, metadata, spec } = JSON.parse(row.text) as Record<string, Record<string, unknown>>;
    const rotation = spec?.["rotation"] as Record<string, string>;
    const shuffled = {
      spec: {
        ...Object.fromEntries(Object.entries(spec ?? {}).reverse()),
        rotation: {
          ...Object.fromEntries(Object.entries(rotation).reverse()),
          started: "0001-01-01T01:00:00.000+01:00",
          mode: "",
        },
        roles: [],
      },
      metadata: { id: 1795345914838853204, namespace: "default", labels: {}, ...metadata },
      version,
      kind,
    };
    assert.equal(authorityCodec.encode(authorityCodec.check(shuffled)).toString(), row.text);
  });

  it("of plain structs escape what Go's encoder escapes", () => {
    const session = {
      id: "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25",
      namespace: "default",
      parties: null,
      terminal_params: { w: 80, h: 25 },
      login: "<&>",
      created: "2026-11-22T11:00:00Z",
      last_active: "2026-11-22T11:00:00Z",
      server_id: "6b7ab022-7f59-40a6-bf98-99aa6d574ba1",
    };
    assert.match(liveSessionCodec.encode(session).toString(), /"login":"\\u003c\\u0026\\u003e"/);
  });
});

describe("input", () => {
  const role = (spec: object) => ({ kind: "role", version: "v3", metadata: { name: "dev" }, spec });
  const cases: readonly [string, () => unknown, string][] = [
    ["no object", () => roleCodec.check("role"), "role: Invalid input: expected object, received string"],
    [
      "another kind",
      () => roleCodec.check({ ...role({}), kind: "user" }),
      'role "dev": kind: Invalid input: expected "role"',
    ],
    [
      "another version",
      () => roleCodec.check({ ...role({}), version: "v9" }),
      'role "dev": version: Invalid input: expected "v3"',
    ],
    [
      "no name",
      () => roleCodec.check({ ...role({}), metadata: { name: "" } }),
      'role "": metadata.name: must not be empty',
    ],
    [
      "an unknown field",
      () => roleCodec.check(role({ allow: { login: ["root"] } })),
      'role "dev": there is no field spec.allow.login',
    ],
    [
      "an unknown field in a list",
      () =>
        roleCodec.check(role({ allow: { rules: [{ resources: ["node"], verbs: ["list"], when: "x" }] } })),
      'role "dev": there is no field spec.allow.rules.0.when',
    ],
    [
      "a login of *",
      () => roleCodec.check(role({ allow: { logins: ["*"] } })),
      'role "dev": spec.allow.logins: wildcard matcher is not allowed in logins',
    ],
    [
      "a wildcard label with a value",
      () => roleCodec.check(role({ allow: { node_labels: { "*": "prod" } } })),
      'role "dev": spec.allow.node_labels.*: selector *:prod is not supported',
    ],
    [
      "a bad duration",
      () => roleCodec.check(role({ options: { max_session_ttl: "soon" } })),
      'role "dev": spec.options.max_session_ttl: ',
    ],
    [
      "a bad time",
      () => userCodec.check({ kind: "user", metadata: { name: "a", expires: "soon" }, spec: {} }),
      'user "a": metadata.expires: "soon" is not an RFC 3339 time',
    ],
    [
      "a session id that is no UUID",
      () =>
        liveSessionCodec.check({
          id: "../../etc",
          terminal_params: { w: 1, h: 1 },
          login: "a",
          server_id: "b",
        }),
      "session: id: invalid session id",
    ],
  ];
  for (const [name, check, message] of cases) {
    it(`with ${name} is refused in one line`, () => {
      assert.throws(check, (error: Error & { code?: string }) => {
        assert.equal(error.code, "bad_parameter");
        assert.ok(error.message.startsWith(message), error.message);
        assert.ok(!error.message.includes("\n"));
        return true;
      });
    });
  }

  it("keeps an empty label map, which matches nothing, apart from none, which matches all", () => {
    assert.deepEqual(roleCodec.check(role({ allow: { node_labels: {} } })).spec.allow.node_labels, {});
    assert.equal("node_labels" in roleCodec.check(role({})).spec.allow, false);
  });

  it("of hosts may have fields that only a newer one knows", () => {
    const server = { kind: "node", metadata: { name: "a" }, spec: { addr: ":1", hostname: "a", newer: 1 } };
    assert.throws(() => serverCodec("node").check(server), { code: "bad_parameter" });
    assert.equal("newer" in serverCodec("proxy").checkLenient(server).spec, false);
    assert.equal(serverCodec("proxy").checkLenient(server).kind, "proxy");
  });
});

describe("unreadable values", () => {
  it("are reported by key, and never quoted", () => {
    for (const value of ["{secret", '{"kind":"secret"}', "null"]) {
      assert.throws(
        () => userCodec.decode("/web/users/alice/params", Buffer.from(value)),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "corrupt");
          assert.ok(error.message.includes("/web/users/alice/params"));
          return !error.message.includes("secret");
        },
      );
    }
  });
});

describe("an authority without private keys", () => {
  it("keeps everything but them", () => {
    const row = readStore42().find(({ key }) => key === "/authorities/user/store.test");
    assert.ok(row);
    const whole = authorityCodec.decode(row.key, Buffer.from(row.text));
    const bare = withoutPrivateKeys(whole);
    assert.ok(!JSON.stringify(bare).includes(whole.spec.signing_keys?.[0] ?? "?"));
    assert.ok(!JSON.stringify(bare).includes(whole.spec.tls_key_pairs?.[0]?.key ?? "?"));
    assert.deepEqual(bare.spec.checking_keys, whole.spec.checking_keys);
    assert.deepEqual(bare.spec.rotation, whole.spec.rotation);
  });
});
