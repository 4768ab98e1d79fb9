/** Identities from files: credentials and trust that take the place of profile, keys and agent. */
import { readFileSync } from "node:fs";
import { badParameter } from "../../errors/error.js";
import { formatKeyLine, parseAuthorizedKey } from "../../pki/ssh-key.js";
import { fileError } from "../../recording/file-error.js";
import { formatIdentityFile, parseIdentityFile } from "../identity-file.js";
import { parseCredentials, type Credentials } from "./credentials.js";
import type { TrustedAuthorities } from "./host-authorities.js";
import type { StoredKey } from "./key-store.js";
import type { HostAuthorities } from "./known-hosts.js";

/** An identity, and whom it trusts. */
export interface Identity {
  readonly credentials: Credentials;
  readonly authorities: TrustedAuthorities;
}

const AUTHORITY_LINE = /^@cert-authority\s+(\S+)\s+(\S.*)$/;

/** Reads an identity file. Throws `unavailable`, `bad_parameter` with what is missing in it, and `corrupt`. */
export function readIdentity(path: string): Identity {
  const file = parseIdentityFile(readText(path), path);
  const ssh = file.sshAuthorities.flatMap((line) => parseAuthorityLine(line) ?? []);
  if (ssh.length === 0 || file.tlsAuthorities.length === 0) {
    throw badParameter(
      "missing trusted certificate authorities in the identity, upgrade to newer version of tctl, " +
        "export identity and try again",
    );
  }
  const credentials = parseCredentials({
    privateKeyPem: file.keyPem,
    certificateLine: file.sshCertificate,
    tlsCertificatePem: file.tlsCertificatePem,
  });
  return { credentials, authorities: { ssh, tls: file.tlsAuthorities } };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fileError("read the identity file", path, error);
  }
}

/** The text of an identity file; clusters in order of their names. */
export function formatIdentity(key: StoredKey, authorities: TrustedAuthorities): string {
  const clusters = [...authorities.ssh].sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
  return formatIdentityFile({
    keyPem: key.privateKeyPem,
    sshCertificate: key.certificateLine,
    tlsCertificatePem: key.tlsCertificatePem,
    sshAuthorities: clusters.flatMap(({ cluster, keys }) =>
      keys.map((blob) => `@cert-authority *.${cluster} ${formatKeyLine(blob, "type=host").trimEnd()}`),
    ),
    tlsAuthorities: authorities.tls,
  });
}

/** The patterns of a line are `*.<cluster>`, perhaps with names of proxies beside it. */
function parseAuthorityLine(line: string): HostAuthorities | undefined {
  const [, patterns, key] = AUTHORITY_LINE.exec(line) ?? [];
  const wildcard = patterns?.split(",").find((pattern) => pattern.startsWith("*."));
  if (wildcard === undefined || key === undefined) return undefined;
  return { cluster: wildcard.slice(2), keys: [parseAuthorizedKey(key).blob] };
}
