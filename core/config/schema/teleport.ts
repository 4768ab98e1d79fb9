import { isAbsolute } from "node:path";
import { z } from "zod";
import { algorithms, cipherSuites } from "./algorithms.js";
import { advertisedAddress } from "./advertise.js";
import { address, boolean, choice, count, duration, oneOrMany, parsed, text } from "./field.js";
import { logSection } from "./log.js";
import { openMap, pluginSection } from "./open-map.js";
import { section, entry } from "./section.js";
import { badParameter, errorMessage } from "../../errors/error.js";
import { parseDuration } from "../../grammar/duration.js";
import { checkHostName } from "../../grammar/host-name.js";
import { SSH_CIPHERS, SSH_KEY_EXCHANGES, SSH_MACS } from "../../grammar/ssh-algorithms.js";

/** Reads a CA pin, `sha256:` and 64 hex digits; the result is in lower case. Throws `bad_parameter`. */
export function parseCaPin(pin: string): string {
  if (!/^sha256:[0-9a-f]{64}$/i.test(pin)) {
    throw badParameter("invalid ca_pin, expected 'sha256:' and 64 hex digits as 'tctl status' prints them");
  }
  return pin.toLowerCase();
}

const cacheTtl = parsed((word) => {
  if (["never", "no", "0"].includes(word)) return 0;
  try {
    return parseDuration(word);
  } catch (error) {
    throw new Error(`cache.ttl invalid duration: ${word}, accepted format '10h'`, { cause: error });
  }
});

const auditUri = parsed((uri) => {
  const url = isAbsolute(uri) ? new URL(`file://${encodeURI(uri)}`) : parseUri(uri);
  // `file://` has the path `/`, too, and nobody means the root folder by it.
  if (url.protocol === "file:" && url.host === "" && /^\/+$/.test(url.pathname)) {
    throw new Error(
      "must name a folder, such as file:///var/log/teleport; leave the key out for the default",
    );
  }
  return url;
});

function parseUri(uri: string): URL {
  try {
    return new URL(uri);
  } catch (error) {
    throw new Error(`invalid URI '${uri}', expected a path or '<type>://...': ${errorMessage(error)}`);
  }
}

/** `teleport.storage`: what all backends share; the other keys are those of the selected plugin. */
export const storageSection = pluginSection({
  type: text,
  audit_events_uri: oneOrMany(auditUri),
  audit_sessions_uri: auditUri,
  audit_table_name: text,
  slow_operation_threshold: duration,
});

/** `teleport:`, the settings of all services. */
export const teleportSection = section({
  nodename: parsed((name) => checkHostName(name, "nodename")),
  data_dir: text,
  pid_file: text,
  auth_token: text,
  ca_pin: oneOrMany(parsed(parseCaPin)),
  auth_servers: oneOrMany(address(3025)),
  advertise_ip: advertisedAddress,
  connection_limits: section({
    max_connections: count,
    max_users: count,
    rates: z.array(entry({ period: duration, average: count, burst: count })),
  }),
  log: logSection,
  storage: storageSection,
  cache: section({
    enabled: boolean,
    type: choice(
      ["sqlite", "in-memory"],
      (word) => `unsupported cache type "${word}", supported values are "sqlite" and "in-memory"`,
    ),
    ttl: cacheTtl,
  }),
  ciphers: algorithms(SSH_CIPHERS, "cipher"),
  kex_algos: algorithms(SSH_KEY_EXCHANGES, "KEX"),
  mac_algos: algorithms(SSH_MACS, "MAC"),
  ciphersuites: cipherSuites,
  seed_config: boolean,
  ca_signature_algo: choice(
    ["ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"],
    (word) => `CA signature algorithm "${word}" not supported, use rsa-sha2-512, rsa-sha2-256 or ssh-rsa`,
  ),
  diag_addr: address(3434),
  join_params: section({ token_name: text, method: text }),
  plugins: z.array(text.min(1)),
  plugin_config: z.record(z.string(), openMap),
  compatibility: choice(["4.2"], (word) => `unsupported compatibility level: '${word}', supported: "4.2"`),
  drain_timeout: duration,
  audit_policy: choice(
    ["strict", "best_effort"],
    (word) => `audit_policy must be one of: strict, best_effort (not '${word}')`,
  ),
});
