import type { CertAuthority, Rotation } from "../../../../core/resources/authority.js";
import type {
  AuthPreference,
  ClusterConfig,
  ClusterName,
  Namespace,
  StaticTokens,
} from "../../../../core/resources/cluster.js";
import { ZERO_TIME } from "../../../../core/resources/envelope.js";
import type { KeptResource } from "../../../../core/resources/kept.js";
import type { Lock } from "../../../../core/resources/lock.js";
import type { Role } from "../../../../core/resources/role.js";
import type { Server } from "../../../../core/resources/server.js";
import type { LiveSession, WebSession } from "../../../../core/resources/session.js";
import type { ProvisionToken } from "../../../../core/resources/token.js";
import type { User } from "../../../../core/resources/user.js";

const noRotation: Rotation = {
  current_id: "",
  started: ZERO_TIME,
  last_rotated: ZERO_TIME,
  schedule: { update_clients: ZERO_TIME, update_servers: ZERO_TIME, standby: ZERO_TIME },
};

/** A user authority with every field set. */
export const authority: CertAuthority = {
  kind: "cert_authority",
  version: "v2",
  metadata: { name: "wire.test" },
  spec: {
    type: "user",
    cluster_name: "wire.test",
    checking_keys: [Buffer.from("ssh-rsa AAAA\n").toString("base64")],
    signing_keys: [Buffer.from("key").toString("base64")],
    roles: ["admin"],
    role_map: [{ remote: "admin", local: ["dev"] }],
    tls_key_pairs: [
      { cert: Buffer.from("cert").toString("base64"), key: Buffer.from("key").toString("base64") },
    ],
    rotation: {
      ...noRotation,
      state: "in_progress",
      phase: "update_clients",
      mode: "manual",
      current_id: "e6fb3565-6471-422f-98f2-05caaf0a2075",
      started: "2026-11-22T10:30:59.610178681Z",
      grace_period: "30h0m0s",
    },
  },
};

export const clusterName: ClusterName = {
  kind: "cluster_name",
  version: "v2",
  metadata: { name: "cluster-name" },
  spec: { cluster_name: "wire.test" },
};

export const clusterConfig: ClusterConfig = {
  kind: "cluster_config",
  version: "v3",
  metadata: { name: "cluster-config" },
  spec: {
    session_recording: "proxy",
    cluster_id: "652ad7d5-7bb0-499e-a07d-02d2ddaebb73",
    proxy_checks_host_keys: "no",
    audit: { type: "dir", audit_sessions_uri: "file:///s", audit_events_uri: ["file:///e", "stdout://"] },
    client_idle_timeout: "30m0s",
    disconnect_expired_cert: true,
    keep_alive_interval: "5m0s",
    keep_alive_count_max: 3,
    local_auth: false,
    locking_mode: "strict",
  },
};

export const authPreference: AuthPreference = {
  kind: "cluster_auth_preference",
  version: "v2",
  metadata: { name: "cluster-auth-preference" },
  spec: { type: "local", second_factor: "otp", u2f: {} },
};

export const namespace: Namespace = {
  kind: "namespace",
  version: "v2",
  metadata: { name: "default" },
  spec: {},
};

export const role: Role = {
  kind: "role",
  version: "v3",
  metadata: { name: "dev", description: "developers", labels: { team: "a" } },
  spec: {
    options: {
      forward_agent: true,
      max_session_ttl: "30h0m0s",
      port_forwarding: false,
      cert_format: "standard",
      client_idle_timeout: "1h0m0s",
      disconnect_expired_cert: true,
      enhanced_recording: ["command", "network"],
    },
    allow: {
      logins: ["{{internal.logins}}", "root"],
      namespaces: ["default"],
      node_labels: { "*": "*", "env": ["prod", "staging"] },
      rules: [{ resources: ["session"], verbs: ["list", "read"], where: "true", actions: ["log"] }],
      kubernetes_groups: ["g"],
      kubernetes_users: ["u"],
      request: { roles: ["admin"] },
    },
    deny: { logins: null },
  },
};

/** A user with every field set. */
export const user: User = {
  kind: "user",
  version: "v2",
  metadata: { name: "alice", expires: "2026-12-01T00:00:00.5Z" },
  spec: {
    roles: ["admin", "dev"],
    traits: { logins: ["root", "ubuntu"], kubernetes_groups: null },
    github_identities: [{ connector_id: "github", username: "alice" }],
    status: {
      is_locked: true,
      locked_message: "too many attempts",
      locked_time: "2026-11-22T10:30:59.123456789Z",
      lock_expires: "2026-11-22T10:50:59.123456789Z",
    },
    expires: ZERO_TIME,
    created_by: {
      connector: { type: "github", id: "github", identity: "alice" },
      time: "2026-11-22T10:30:59Z",
      user: { name: "root" },
    },
    local_auth: {
      password_hash: Buffer.from("$2a$10$x").toString("base64"),
      totp_key: "JBSWY3DP",
      u2f_registration: { raw: "BQS+", key_handle: "AAEC", pubkey: "MFkw" },
      u2f_counter: 5,
    },
  },
};

/** A leaf cluster as a root cluster of 4.2 has it, without a `spec`. */
export const remoteCluster: KeptResource = {
  kind: "remote_cluster",
  version: "v3",
  metadata: { name: "leaf.test" },
  status: { connection: "", last_heartbeat: ZERO_TIME },
};

/** A connector to GitHub. */
export const githubConnector: KeptResource = {
  kind: "github",
  version: "v3",
  metadata: { name: "github" },
  spec: { client_id: "cid", client_secret: "csecret", teams_to_logins: null },
};

/** A user as a new cluster has it. */
export const plainUser: User = {
  kind: "user",
  version: "v2",
  metadata: { name: "bob" },
  spec: {
    roles: [],
    status: { is_locked: false, locked_time: ZERO_TIME, lock_expires: ZERO_TIME },
    expires: ZERO_TIME,
    created_by: { time: ZERO_TIME, user: { name: "" } },
  },
};

export const node: Server = {
  kind: "node",
  version: "v2",
  metadata: { name: "n-1", labels: { env: "staging" }, expires: "2026-11-22T10:28:23.03Z" },
  spec: {
    addr: "127.0.0.1:3022",
    public_addr: "node1.example.com:22",
    public_addrs: ["node1.example.com:22", "[2001:db8::1]:22"],
    hostname: "node1",
    cmd_labels: { kernel: { period: "1h0m0s", command: ["/bin/uname", "-r"], result: "6.18" } },
    rotation: noRotation,
    use_tunnel: true,
  },
};

export const proxy: Server = {
  kind: "proxy",
  version: "v2",
  metadata: { name: "p-1" },
  spec: { addr: "127.0.0.1:3023", public_addr: "localhost:3080", hostname: "main", rotation: noRotation },
};

export const liveSession: LiveSession = {
  id: "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25",
  namespace: "default",
  parties: [{ id: "p", remote_addr: "127.0.0.1:1", user: "alice", server_id: "n-1", last_active: ZERO_TIME }],
  terminal_params: { w: 80, h: 24 },
  login: "root",
  created: "2026-11-22T10:19:02.746425852Z",
  last_active: "2026-11-22T10:19:02.746425902Z",
  server_id: "n-1",
};

export const webSession: WebSession = {
  kind: "web_session",
  version: "v2",
  metadata: { name: "7c5db70b72b93ad2f9ee3515dd03157a" },
  spec: {
    user: "alice",
    pub: "cHVi",
    tls_cert: "dGxz",
    bearer_token: "b",
    bearer_token_expires: "2026-11-22T10:30:59Z",
    expires: "2026-11-22T22:30:59Z",
  },
};

/** A lock with every field set. */
export const lock: Lock = {
  kind: "lock",
  version: "v2",
  metadata: { name: "l 1" },
  spec: {
    target: { user: "alice", role: "dev", login: "root", node: "n-1", session: "s-1" },
    message: "go home",
    expires: "2026-11-23T10:00:00Z",
    issued_before: "2026-11-22T10:00:00Z",
  },
};

export const token: ProvisionToken = {
  token: "node/token",
  roles: ["Node", "Proxy"],
  expires: "2026-11-23T10:00:00Z",
};

export const staticTokens: StaticTokens = {
  kind: "static_tokens",
  version: "v2",
  metadata: { name: "static-tokens" },
  spec: { static_tokens: [{ roles: ["Node"], expires: "1970-01-01T00:00:00Z", token: "nodetoken" }] },
};
