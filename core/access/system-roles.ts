/** What hosts may do through the API: the fixed permissions of the system roles (wire.md §5.2). */
import type { AuthorityType } from "../resources/authority.js";
import type { SystemRole } from "../resources/token.js";
import { allow, type Decision, refuse } from "./decision.js";
import { READ_NO_SECRETS, READ_ONLY, READ_WRITE, ruleCovers, type RuleScope } from "./rule.js";

/** The authority that a request is about; some rules depend on whose it is. */
export interface AuthorityFacts {
  readonly type: AuthorityType;
  readonly clusterName: string;
}

/** What the permissions of system roles depend on. */
export interface SystemAccessOptions {
  /** This cluster. */
  readonly clusterName: string;
  /** Whether sessions are recorded at the proxy, which then needs host certificates. */
  readonly recordAtProxy?: boolean;
  /** For `RemoteProxy`: the cluster that the caller comes from. */
  readonly remoteCluster?: string;
}

/** The powers of a host. */
export interface SystemAccess {
  readonly role: SystemRole;
  /**
   * Whether the host may do something with the resources of a kind. Rules about particular authorities apply only
   * where `authority` is given.
   */
  checkRule(verb: string, kind: string, authority?: AuthorityFacts): Decision;
}

interface SystemRule extends RuleScope {
  readonly authority?: (authority: AuthorityFacts, options: SystemAccessOptions) => boolean;
}

/** The permissions of a system role. */
export function systemAccess(role: SystemRole, options: SystemAccessOptions): SystemAccess {
  const rules = rulesOf(role, options);
  return {
    role,
    checkRule(verb, kind, authority) {
      const granted = rules.some(
        (rule) =>
          ruleCovers(rule, verb, kind) &&
          (rule.authority === undefined || (authority !== undefined && rule.authority(authority, options))),
      );
      return granted
        ? allow(role)
        : refuse(
            `access denied to perform action "${verb}" on "${kind}"`,
            `the system role ${role} does not allow it`,
          );
    },
  };
}

const RECORDING_PROXY_RULES: readonly SystemRule[] = [{ resources: ["host_cert"], verbs: READ_WRITE }];

const RULES: Readonly<Partial<Record<SystemRole, readonly SystemRule[]>>> = {
  Admin: [{ resources: ["*"], verbs: [...READ_WRITE, "rotate"] }],
  Auth: [{ resources: ["auth_server"], verbs: READ_WRITE }],
  Node: [
    { resources: ["node", "ssh_session", "event", "tunnel"], verbs: READ_WRITE },
    {
      resources: [
        "proxy",
        "user",
        "namespace",
        "role",
        "lock",
        "auth_server",
        "tunnel_connection",
        "cluster_config",
      ],
      verbs: READ_ONLY,
    },
    { resources: ["cert_authority"], verbs: READ_NO_SECRETS },
  ],
  Proxy: [
    {
      resources: [
        "proxy",
        "oidc_request",
        "ssh_session",
        "event",
        "saml_request",
        "github_request",
        "tunnel_connection",
      ],
      verbs: READ_WRITE,
    },
    { resources: ["oidc", "saml", "github", "cert_authority"], verbs: READ_NO_SECRETS },
    {
      resources: [
        "session",
        "namespace",
        "node",
        "auth_server",
        "tunnel",
        "user",
        "role",
        "lock",
        "cluster_auth_preference",
        "cluster_config",
        "cluster_name",
        "static_tokens",
        "remote_cluster",
      ],
      verbs: READ_ONLY,
    },
    {
      resources: ["cert_authority"],
      verbs: ["create", "read", "update"],
      authority: ({ type, clusterName }, options) => type === "host" && clusterName !== options.clusterName,
    },
  ],
  RemoteProxy: [
    {
      resources: [
        "node",
        "proxy",
        "namespace",
        "user",
        "role",
        "auth_server",
        "tunnel",
        "tunnel_connection",
        "cluster_config",
      ],
      verbs: READ_ONLY,
    },
    { resources: ["cert_authority"], verbs: READ_NO_SECRETS },
    {
      resources: ["cert_authority"],
      verbs: ["read", "rotate"],
      authority: ({ clusterName }, options) => clusterName === options.remoteCluster,
    },
  ],
  Signup: [{ resources: ["auth_server", "cluster_auth_preference"], verbs: READ_ONLY }],
  Web: [
    { resources: ["web_session", "ssh_session"], verbs: READ_WRITE },
    { resources: ["auth_server", "user", "role", "namespace", "trusted_cluster"], verbs: READ_ONLY },
  ],
};

function rulesOf(role: SystemRole, options: SystemAccessOptions): readonly SystemRule[] {
  const rules = RULES[role] ?? [];
  return role === "Proxy" && options.recordAtProxy === true ? [...rules, ...RECORDING_PROXY_RULES] : rules;
}
