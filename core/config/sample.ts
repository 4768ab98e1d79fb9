import { randomBytes } from "node:crypto";
import { stringify } from "yaml";

/** What a sample configuration is made for. */
export interface SampleOptions {
  readonly hostname: string;
  readonly dataDir?: string;
  readonly clusterName?: string;
  /** The join token; a random one when absent, since a fixed one would be a known password. */
  readonly token?: string;
}

const HEADER = `#
# Sample Teleport configuration file: auth, proxy and node in one process
#
`;

/** The text of `teleport configure`: a configuration with the keys that most installations edit. */
export function sampleConfig(options: SampleOptions): string {
  const token = options.token ?? randomBytes(16).toString("hex");
  const cluster = options.clusterName === undefined ? {} : { cluster_name: options.clusterName };
  const sample = {
    teleport: {
      nodename: options.hostname,
      data_dir: options.dataDir ?? "/var/lib/teleport",
      pid_file: "/var/run/teleport.pid",
      auth_token: token,
      auth_servers: ["0.0.0.0:3025"],
      connection_limits: { max_connections: 15000, max_users: 250 },
      log: { output: "stderr", severity: "INFO" },
      ca_pin: "",
    },
    auth_service: {
      enabled: "yes",
      listen_addr: "0.0.0.0:3025",
      ...cluster,
      tokens: [`proxy,node:${token}`],
      session_recording: "",
      client_idle_timeout: "0s",
      disconnect_expired_cert: false,
      keep_alive_count_max: 0,
    },
    ssh_service: {
      enabled: "yes",
      labels: { db_role: "master", db_type: "postgres" },
      commands: [
        { name: "hostname", command: ["/usr/bin/hostname"], period: "1m0s" },
        { name: "arch", command: ["/usr/bin/uname", "-p"], period: "1h0m0s" },
      ],
    },
    proxy_service: {
      enabled: "yes",
      listen_addr: "0.0.0.0:3023",
      web_listen_addr: "0.0.0.0:3080",
      tunnel_listen_addr: "0.0.0.0:3024",
    },
  };
  return `${HEADER}${stringify(sample, { version: "1.1" })}${CERTIFICATE_HINT}`;
}

/** Comments, since files that do not exist would keep the sample from starting. */
const CERTIFICATE_HINT = `  # Without these two a self-signed certificate is made.
  # https_key_file: /var/lib/teleport/webproxy_key.pem
  # https_cert_file: /var/lib/teleport/webproxy_cert.pem

`;
