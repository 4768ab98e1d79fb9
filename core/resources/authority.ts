import type { Resource } from "./envelope.js";

/** The two authorities of a cluster. */
export type AuthorityType = "host" | "user";

/** A TLS authority: base64 of PEM text. */
export interface TlsKeyPair {
  cert?: string;
  key?: string;
}

/** State of a CA rotation (wire.md §6.6). Times are always present, as the zero time where unset. */
export interface Rotation {
  state?: string;
  phase?: string;
  mode?: string;
  current_id: string;
  started: string;
  grace_period?: string;
  last_rotated: string;
  schedule: { update_clients: string; update_servers: string; standby: string };
}

/** A certificate authority: SSH and TLS keys of one type of one cluster (wire.md §1.1). The first key pair signs. */
export type CertAuthority = Resource<
  "cert_authority",
  {
    type: AuthorityType;
    cluster_name: string;
    /** Base64 of authorized_keys lines. */
    checking_keys: string[];
    /** Base64 of PKCS#1 PEM; absent where secrets were not asked for. */
    signing_keys?: string[];
    roles?: string[];
    role_map?: { remote: string; local: string[] }[];
    tls_key_pairs?: TlsKeyPair[];
    rotation?: Rotation;
  }
>;
