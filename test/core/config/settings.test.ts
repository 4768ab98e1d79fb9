import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StartFlags } from "../../../core/config/flags.js";
import { loadConfig } from "../../../core/config/load.js";
import { resolveSettings } from "../../../core/config/settings.js";
import type { Settings } from "../../../core/config/settings.js";

function resolved(yaml: string | undefined, flags: StartFlags = {}): Settings {
  const file = yaml === undefined ? undefined : loadConfig(yaml, "/etc/x/teleport.yaml").config;
  return resolveSettings(file, flags, { hostname: "graviton" });
}

function refuses(yaml: string | undefined, flags: StartFlags, message: string | RegExp): void {
  assert.throws(() => resolved(yaml, flags), { code: "bad_parameter", message });
}

describe("resolveSettings", () => {
  describe("defaults", () => {
    const settings = resolved(undefined);

    it("enable all three services on the standard ports", () => {
      assert.deepEqual(settings.auth?.listenAddr, { host: "0.0.0.0", port: 3025 });
      assert.deepEqual(settings.proxy?.listenAddr, { host: "0.0.0.0", port: 3023 });
      assert.deepEqual(settings.proxy?.webListenAddr, { host: "0.0.0.0", port: 3080 });
      assert.deepEqual(settings.proxy?.tunnelListenAddr, { host: "0.0.0.0", port: 3024 });
      assert.deepEqual(settings.node?.listenAddr, { host: "0.0.0.0", port: 3022 });
    });

    it("are those of 4.2", () => {
      assert.equal(settings.nodename, "graviton");
      assert.equal(settings.auth?.clusterName, "graviton");
      assert.equal(settings.dataDir, "/var/lib/teleport");
      assert.equal(settings.storage.type, "dir");
      assert.deepEqual(settings.authServers, [{ host: "127.0.0.1", port: 3025 }]);
      assert.deepEqual(settings.connectionLimits, { maxConnections: 15_000, maxUsers: 250, rates: [] });
      assert.equal(settings.auth?.authentication.secondFactor, "otp");
      assert.equal(settings.auth?.keepAliveIntervalMs, 300_000);
      assert.equal(settings.auth?.keepAliveCountMax, 3);
      assert.equal(settings.readAuthToken, undefined);
      assert.equal(settings.auditPolicy, "strict");
      assert.equal(settings.proxy?.tls?.type, "files");
    });
  });

  describe("flags over file", () => {
    const yaml = [
      "teleport: {nodename: from-file, pid_file: /a, log: {severity: error}, auth_servers: [10.0.0.9]}",
      "ssh_service: {labels: {env: prod}, commands: [{name: up, command: [uptime], period: 1m}]}",
      "proxy_service: {enabled: no, public_addr: p.example.com}",
    ].join("\n");

    it("keep what the flags do not name", () => {
      const settings = resolved(yaml);
      assert.equal(settings.nodename, "from-file");
      assert.equal(settings.pidFile, "/a");
      assert.equal(settings.log.severity, "error");
      assert.equal(settings.configDir, "/etc/x");
      assert.equal(settings.proxy, undefined);
      assert.deepEqual(settings.node?.labels, {
        fixed: { env: "prod" },
        commands: [{ name: "up", command: ["uptime"], periodMs: 60_000 }],
      });
      assert.deepEqual(settings.authServers, [
        { host: "10.0.0.9", port: 3025 },
        { host: "127.0.0.1", port: 3025 },
      ]);
    });

    it("replace what they name", () => {
      const settings = resolved(yaml, {
        debug: true,
        nodename: "from-flag",
        pidFile: "/b",
        roles: "proxy, node",
        permitUserEnv: true,
        diagAddr: "127.0.0.1:0",
        advertiseIp: "192.0.2.7",
      });
      assert.equal(settings.nodename, "from-flag");
      assert.equal(settings.pidFile, "/b");
      assert.equal(settings.log.severity, "debug");
      assert.equal(settings.auth, undefined);
      assert.deepEqual(settings.proxy?.publicAddrs, [{ host: "p.example.com", port: 3080 }]);
      assert.equal(settings.node?.permitUserEnv, true);
      assert.deepEqual(settings.diagAddr, { host: "127.0.0.1", port: 0 });
      assert.deepEqual(settings.advertiseAddr, { host: "192.0.2.7" });
    });

    it("--labels replaces labels and commands", () => {
      const labels = 'role=db,kernel=[1h:/bin/uname -r "a b"]';
      assert.deepEqual(resolved(yaml, { labels }).node?.labels, {
        fixed: { role: "db" },
        commands: [{ name: "kernel", command: ["/bin/uname", "-r", "a b"], periodMs: 3_600_000 }],
      });
    });

    it("--listen-ip moves every listener and keeps ports", () => {
      const settings = resolved("ssh_service: {listen_addr: 10.0.0.1:2222}", { listenIp: "127.0.0.1" });
      assert.deepEqual(settings.auth?.listenAddr, { host: "127.0.0.1", port: 3025 });
      assert.deepEqual(settings.proxy?.webListenAddr, { host: "127.0.0.1", port: 3080 });
      assert.deepEqual(settings.node?.listenAddr, { host: "127.0.0.1", port: 2222 });
    });

    it("--auth-server switches the local auth service off and says so", () => {
      const settings = resolved(undefined, { authServer: "auth.example.com" });
      assert.equal(settings.auth, undefined);
      assert.deepEqual(settings.authServers, [{ host: "auth.example.com", port: 3025 }]);
      assert.match(settings.warnings.join(), /not starting the local auth service/);
    });

    it("--insecure-no-tls leaves the web listener without certificates", () => {
      assert.equal(resolved(undefined, { insecureNoTls: true }).proxy?.tls, undefined);
    });

    it("--insecure is warned about", () => {
      assert.match(resolved(undefined, { insecure: true }).warnings.join(), /not verified/);
    });
  });

  it("says where sessions are recorded, and whether targets must prove who they are", () => {
    const yaml = "auth_service: {session_recording: proxy, proxy_checks_host_keys: no}";
    const { auth } = resolved(yaml);
    assert.equal(auth?.sessionRecording, "proxy");
    assert.equal(auth.syncRecording, false);
    assert.equal(auth.proxyChecksHostKeys, false);
    const sync = resolved("auth_service: {session_recording: node-sync}").auth;
    assert.deepEqual([sync?.sessionRecording, sync?.syncRecording], ["node", true]);
    assert.equal(resolved("auth_service: {enabled: yes}").auth?.proxyChecksHostKeys, true);
  });

  describe("stand-ins for functions that do not exist yet", () => {
    it("are the stricter ones", () => {
      const yaml = "auth_service: {authentication: {type: saml, second_factor: optional}}";
      const auth = resolved(yaml).auth;
      assert.deepEqual(auth?.authentication, {
        type: "local",
        secondFactor: "otp",
        localAuth: true,
        lockingMode: "best_effort",
      });
    });

    it("leave what is switched off switched off", () => {
      const yaml =
        "auth_service: {session_recording: off, authentication: {second_factor: off, local_auth: no}}";
      const auth = resolved(yaml).auth;
      assert.equal(auth?.sessionRecording, "off");
      assert.deepEqual(auth.authentication, {
        type: "local",
        secondFactor: "off",
        localAuth: false,
        lockingMode: "best_effort",
      });
    });
  });

  it("knows log outputs by all their names", () => {
    const outputs = ["error", "2", "stdout", "out", "1", "syslog", "/var/log/t.log"].map(
      (output) => resolved(`teleport: {log: {output: ${output}}}`).log.output,
    );
    assert.deepEqual(outputs, ["stderr", "stderr", "stdout", "stdout", "stdout", "stderr", "/var/log/t.log"]);
  });

  it("gives the storage plugin its own keys and keeps the shared ones", () => {
    const { storage } = resolved(
      "teleport: {storage: {type: sqlite, path: /x, region: eu, audit_events_uri: /var/log/a b, audit_sessions_uri: s3://r}}",
    );
    assert.equal(storage.type, "dir");
    assert.equal(storage.region, "eu");
    assert.deepEqual([...storage.settings.entries.keys()], ["path", "region"]);
    assert.deepEqual(
      storage.auditEventsUris.map((uri) => uri.href),
      ["file:///var/log/a%20b"],
    );
  });

  describe("files", () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "settings-"));
      writeFileSync(join(folder, "token"), "  from-file\n");
      writeFileSync(join(folder, "empty"), "\n");
      writeFileSync(join(folder, "key.pem"), "");
      writeFileSync(join(folder, "cert.pem"), "");
    });
    after(() => rmSync(folder, { recursive: true }));

    it("give static tokens", () => {
      const { auth } = resolved(
        `auth_service: {tokens: ["Proxy,node:abc", "trusted_cluster:${folder}/token"]}`,
      );
      assert.deepEqual(auth?.staticTokens, [
        { roles: ["Proxy", "Node"], token: "abc", expires: "1970-01-01T00:00:00Z" },
        { roles: ["Trusted_cluster"], token: "from-file", expires: "1970-01-01T00:00:00Z" },
      ]);
    });

    it("give the join token when it is asked for", () => {
      assert.equal(resolved(undefined, { token: `${folder}/token` }).readAuthToken?.(), "from-file");
      assert.equal(resolved("teleport: {auth_token: plain}").readAuthToken?.(), "plain");
      const missing = resolved(undefined, { token: `${folder}/missing` });
      assert.throws(() => missing.readAuthToken?.(), {
        code: "bad_parameter",
        message: /cannot read the join token/,
      });
      const empty = resolved(undefined, { token: `${folder}/empty` });
      assert.throws(() => empty.readAuthToken?.(), { code: "bad_parameter", message: /is empty/ });
    });

    it("of a certificate become settings of tls.files", () => {
      const { proxy } = resolved(
        `proxy_service: {https_key_file: ${folder}/key.pem, https_cert_file: ${folder}/cert.pem}`,
      );
      assert.deepEqual(
        [...(proxy?.tls?.settings.entries ?? [])].map(([key, { node }]) => [
          key,
          node.kind === "scalar" && node.text,
        ]),
        [
          ["key_file", `${folder}/key.pem`],
          ["cert_file", `${folder}/cert.pem`],
        ],
      );
    });

    it("that do not exist are named", () => {
      refuses(
        "proxy_service: {https_key_file: /no/key, https_cert_file: /no/cert}",
        {},
        "https key does not exist: /no/key",
      );
      refuses(
        `proxy_service: {https_key_file: ${folder}/key.pem, https_cert_file: /no/cert}`,
        {},
        "https cert does not exist: /no/cert",
      );
      refuses(
        "auth_service: {tokens: ['node:/no/token']}",
        {},
        /cannot read the join token from '\/no\/token'/,
      );
    });
  });

  describe("refuses", () => {
    const off = "auth_service: {enabled: no}\nssh_service: {enabled: no}\nproxy_service: {enabled: no}";
    const cases: [string, string | undefined, StartFlags, string | RegExp][] = [
      ["an unknown role", undefined, { roles: "node,foo" }, "unknown role: 'foo'"],
      ["no role at all", off, {}, "config: supply at least one of Auth, SSH or Proxy roles"],
      [
        "only auth beside another auth server",
        undefined,
        { roles: "auth", authServer: "a" },
        /supply at least one of/,
      ],
      [
        "an empty list of auth servers",
        "teleport: {auth_servers: []}\nauth_service: {enabled: no}",
        {},
        "auth_servers is empty",
      ],
      ["an unreachable address", undefined, { advertiseIp: "0.0.0.0" }, "unreachable advertise IP: 0.0.0.0"],
      ["a listen name", undefined, { listenIp: "localhost" }, "invalid listen IP: 'localhost'"],
      ["a bad pin", undefined, { caPin: "sha256:12" }, /invalid ca_pin/],
      ["bad labels", undefined, { labels: "env" }, "invalid label spec: 'env', should be 'key=value'"],
      ["a label command without a period", undefined, { labels: "a=[/bin/uptime]" }, /invalid label command/],
      ["a name that is no name of a host", undefined, { nodename: "a b" }, /^--nodename "a b" cannot be/],
      [
        "a label whose name has a blank",
        undefined,
        { labels: "my label=x" },
        /invalid label name 'my label'/,
      ],
      ["a label with a control character", undefined, { labels: "a=\u001b[31m" }, /invalid label value/],
      ["a relative label program", undefined, { labels: "a=[1h:bin/uptime]" }, /invalid label program/],
      ["a label command too often", undefined, { labels: "a=[1ms:/bin/uptime]" }, /at least 1s/],
      ["FIPS", undefined, { fips: true }, /FIPS mode is not available/],
    ];
    for (const [what, yaml, flags, message] of cases) {
      it(what, () => refuses(yaml, flags, message));
    }
  });
});
