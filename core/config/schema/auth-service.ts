import { z } from "zod";
import {
  address,
  boolean,
  choice,
  count,
  duration,
  oneOrMany,
  onOrOff,
  parsed,
  publicAddresses,
  text,
} from "./field.js";
import { openMap } from "./open-map.js";
import { section } from "./section.js";
import { checkStaticToken } from "../static-token.js";

const recordingMode = choice(
  ["node", "proxy", "off", "node-sync", "proxy-sync"],
  () => "session_recording must either be: node,proxy,off",
);

const hostKeyChecks = parsed((word): boolean => {
  if (word === "yes") return true;
  if (word === "no") return false;
  throw new Error("proxy_checks_host_keys must be one of: yes,no");
});

/** `auth_service.authentication`: how users prove who they are. */
export const authenticationSection = section({
  type: choice(["local", "oidc", "saml", "github"], (word) => `authentication type "${word}" not supported`),
  second_factor: choice(
    ["off", "otp", "u2f", "on", "optional", "webauthn"],
    (word) => `second factor type "${word}" not supported`,
  ),
  connector_name: text,
  u2f: section({ app_id: text, facets: z.array(text) }),
  local_auth: boolean,
  require_session_mfa: boolean,
  locking_mode: choice(
    ["best_effort", "strict"],
    (word) => `locking_mode must be one of: best_effort, strict (not '${word}')`,
  ),
  webauthn: section({
    rp_id: text,
    attestation_allowed_cas: z.array(text),
    attestation_denied_cas: z.array(text),
    disabled: boolean,
  }),
});

/** A connection's place is renewed a few times within it: less would cut off connections at every hiccup. */
const leaseTime = duration.refine(
  (ms) => ms === 0 || ms >= 10_000,
  "session_control_timeout must be at least 10s",
);

/** `auth_service:`, the certificate authority and its API. */
export const authServiceSection = section({
  enabled: boolean,
  listen_addr: address(3025),
  public_addr: publicAddresses(3025),
  cluster_name: parsed((name) => {
    if (!/^[\w.-]{1,255}$/.test(name))
      throw new Error("cluster_name may hold letters, digits, '.', '-' and '_' only");
    return name;
  }),
  tokens: oneOrMany(parsed(checkStaticToken)),
  session_recording: recordingMode,
  proxy_checks_host_keys: hostKeyChecks,
  proxy_protocol: onOrOff,
  authentication: authenticationSection,
  client_idle_timeout: duration,
  disconnect_expired_cert: boolean,
  keep_alive_interval: duration,
  keep_alive_count_max: count,
  license_file: text,
  kubeconfig_file: text,
  authorities: z.array(openMap),
  reverse_tunnels: z.array(section({ domain_name: text, addresses: z.array(address(3024)) })),
  trusted_clusters: z.array(section({ key_file: text, allow_logins: text, tunnel_addr: address(3024) })),
  oidc_connectors: z.array(openMap),
  u2f: openMap,
  dynamic_config: boolean,
  session_control_timeout: leaseTime,
  client_idle_timeout_message: text,
  web_idle_timeout: duration,
  message_of_the_day: text,
  ca_key_params: openMap,
  routing_strategy: choice(
    ["unambiguous_match", "most_recent"],
    (word) => `routing_strategy must be one of: unambiguous_match, most_recent (not '${word}')`,
  ),
  proxy_listener_mode: choice(
    ["separate", "multiplex"],
    (word) => `proxy_listener_mode must be one of: separate, multiplex (not '${word}')`,
  ),
});
