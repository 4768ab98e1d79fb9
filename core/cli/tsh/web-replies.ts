/** The replies of the proxy's HTTPS API, checked before they are believed. */
import type { HostSigner, SshLoginResponse } from "../../auth/client/api.js";
import { unavailable } from "../../errors/error.js";

/** What a proxy says of itself (wire.md §2.2). Absent texts are empty. */
export interface PingReply {
  /** `local`, `github`, `oidc` or `saml`. */
  readonly authType: string;
  /** `off`, `otp`, `totp`, `hotp` or `u2f`. */
  readonly secondFactor: string;
  readonly sshListenAddress: string;
  /** Public address of the web side. */
  readonly publicAddress: string;
  readonly sshPublicAddress: string;
  readonly minClientVersion: string;
}

/** Reads a ping. Throws `unavailable` where it is none. */
export function parsePing(reply: unknown, where: string): PingReply {
  const auth = record(record(reply)["auth"]);
  const ssh = record(record(record(reply)["proxy"])["ssh"]);
  const authType = text(auth["type"]);
  if (authType === "") throw notUnderstood(where);
  return {
    authType,
    secondFactor: text(auth["second_factor"]),
    sshListenAddress: text(ssh["listen_addr"]),
    publicAddress: text(ssh["public_addr"]),
    sshPublicAddress: text(ssh["ssh_public_addr"]),
    minClientVersion: text(record(reply)["min_client_version"]),
  };
}

/** Reads the reply to a login. Throws `unavailable` where it is none. */
export function parseLoginResponse(reply: unknown, where: string): SshLoginResponse {
  const fields = record(reply);
  const hostSigners = list(fields["host_signers"]).map((signer): HostSigner => {
    const { domain_name, checking_keys, tls_certs } = record(signer);
    return {
      domain_name: text(domain_name),
      checking_keys: list(checking_keys).map(text),
      tls_certs: list(tls_certs).map(text),
    };
  });
  const response = {
    username: text(fields["username"]),
    cert: text(fields["cert"]),
    tls_cert: text(fields["tls_cert"]),
    host_signers: hostSigners,
  };
  const complete = response.cert !== "" && response.tls_cert !== "" && response.username !== "";
  if (!complete || !hostSigners[0]?.domain_name) throw notUnderstood(where);
  return response;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function notUnderstood(where: string): Error {
  return unavailable(`the reply of https://${where} is not that of a Teleport proxy: check --proxy`);
}
