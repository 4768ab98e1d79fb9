import type { Finding } from "../document/problem.js";
import { locate } from "../document/positioned.js";
import type { PositionedNode } from "../document/positioned.js";
import { parseBoolean } from "../grammar/boolean.js";

/** Whether a value asks for anything; where it does not, the missing function does not matter. */
type Matters = (node: PositionedNode) => boolean;

/** A key without its function. */
export interface MissingFunction {
  /** What happens instead. */
  readonly instead: string;
  /** Tells a value that asks for the function from one that does not; without it every value does. */
  readonly matters?: Matters;
}

const oneOf =
  (...words: string[]): Matters =>
  (node) =>
    node.kind === "scalar" && words.includes(node.text.toLowerCase());
const noneOf =
  (...words: string[]): Matters =>
  (node) =>
    !oneOf(...words)(node);
const isYes: Matters = (node) => readBoolean(node) === true;
const isNo: Matters = (node) => readBoolean(node) === false;
const isEnabled: Matters = (node) => isYes(locate(node, ["enabled"]).node);

/**
 * Keys that are understood and checked, but whose function this release does not have. They are accepted with a
 * warning; the line goes when the function comes.
 */
export const NOT_YET: Readonly<Record<string, MissingFunction>> = {
  "version": { instead: "the listeners of version v1 are used", matters: oneOf("v2") },
  "teleport.connection_limits.max_users": {
    instead: "limits on calls are fixed",
    // What samples of 4.2 write, its default.
    matters: noneOf("250", "0"),
  },
  "teleport.connection_limits.rates": { instead: "limits on calls are fixed" },
  "teleport.cache": {
    instead: "state is kept in memory",
    matters: (node) => !isNo(locate(node, ["enabled"]).node),
  },
  "teleport.seed_config": { instead: "it has no effect since 4.0" },
  "teleport.ca_signature_algo": { instead: "rsa-sha2-512 is used", matters: noneOf("rsa-sha2-512") },
  "teleport.drain_timeout": { instead: "sessions end with the daemon" },
  "teleport.join_params": { instead: "joining takes auth_token" },
  "teleport.log.output": { instead: "lines go to stderr", matters: oneOf("syslog") },
  "teleport.log.format.extra_fields": { instead: "every line has all fields" },
  "teleport.storage.audit_table_name": { instead: "name the table in audit_events_uri: dynamodb://<table>" },
  "auth_service.proxy_protocol": { instead: "PROXY headers are refused", matters: oneOf("on") },
  "auth_service.authentication.type": { instead: "users are local", matters: noneOf("local") },
  "auth_service.authentication.second_factor": {
    instead: "otp is required",
    matters: noneOf("off", "otp"),
  },
  "auth_service.authentication.connector_name": { instead: "users are local" },
  "auth_service.authentication.u2f": { instead: "second factors are otp or off" },
  "auth_service.authentication.webauthn": { instead: "second factors are otp or off" },
  "auth_service.authentication.require_session_mfa": {
    instead: "sessions need no further factor",
    matters: isYes,
  },
  "auth_service.license_file": { instead: "no licence is needed" },
  "auth_service.kubeconfig_file": { instead: "it moved to proxy_service in 4.0" },
  "auth_service.authorities": { instead: "authorities come from storage" },
  "auth_service.reverse_tunnels": { instead: "no tunnel is opened" },
  "auth_service.trusted_clusters": { instead: "no cluster is trusted" },
  "auth_service.oidc_connectors": { instead: "users are local" },
  "auth_service.u2f": { instead: "second factors are otp or off" },
  "auth_service.dynamic_config": { instead: "it has no effect since 4.0" },
  "auth_service.client_idle_timeout_message": { instead: "the default text is shown" },
  "auth_service.web_idle_timeout": { instead: "there is no web session" },
  "auth_service.message_of_the_day": { instead: "nothing is shown at login" },
  "auth_service.ca_key_params": { instead: "authority keys are kept in storage" },
  "auth_service.routing_strategy": {
    instead: "an ambiguous name is an error",
    matters: noneOf("unambiguous_match"),
  },
  "auth_service.proxy_listener_mode": { instead: "listeners are separate", matters: oneOf("multiplex") },
  "ssh_service.namespace": { instead: "the node joins namespace default", matters: noneOf("default") },
  "ssh_service.enhanced_recording": { instead: "only terminal output is recorded", matters: isEnabled },
  "ssh_service.restricted_session": { instead: "networks are not restricted" },
  "proxy_service.tunnel_listen_addr": {
    instead: "reverse tunnels are not accepted",
    matters: noneOf("0.0.0.0:3024"),
  },
  "proxy_service.tunnel_public_addr": { instead: "reverse tunnels are not accepted" },
  "proxy_service.https_keypairs": { instead: "use https_key_file and https_cert_file" },
  "proxy_service.proxy_protocol": { instead: "PROXY headers are refused", matters: oneOf("on") },
  "proxy_service.proxy_protocol_sources": { instead: "PROXY headers are refused" },
  "proxy_service.kubernetes": { instead: "Kubernetes is not served", matters: isEnabled },
  "proxy_service.kube_listen_addr": { instead: "Kubernetes is not served" },
  "proxy_service.kube_public_addr": { instead: "Kubernetes is not served" },
  "proxy_service.acme": { instead: "certificates come from files or are self-signed", matters: isEnabled },
  "proxy_service.mysql_listen_addr": { instead: "databases are not served" },
  "proxy_service.mysql_public_addr": { instead: "databases are not served" },
  "proxy_service.postgres_listen_addr": { instead: "databases are not served" },
  "proxy_service.postgres_public_addr": { instead: "databases are not served" },
  "proxy_service.mongo_listen_addr": { instead: "databases are not served" },
  "proxy_service.mongo_public_addr": { instead: "databases are not served" },
};

/** A warning for every key that is set to something this release does not do yet. */
export function missingFunctions(root: PositionedNode): Finding[] {
  const findings: Finding[] = [];
  for (const [dotted, { instead, matters }] of Object.entries(NOT_YET)) {
    const path = dotted.split(".");
    const { node, path: found, keyPosition } = locate(root, path);
    if (found.length < path.length || keyPosition === undefined || isUnset(node)) continue;
    if (matters && !matters(node)) continue;
    findings.push({ position: keyPosition, message: `${dotted} has no effect in this release: ${instead}` });
  }
  return findings.sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
}

function isUnset(node: PositionedNode): boolean {
  if (node.kind === "scalar") return node.text === "" || node.value === null;
  return node.kind === "list" ? node.items.length === 0 : node.entries.size === 0;
}

function readBoolean(node: PositionedNode): boolean | undefined {
  if (node.kind !== "scalar") return undefined;
  try {
    return parseBoolean(node.text);
  } catch {
    return undefined;
  }
}
