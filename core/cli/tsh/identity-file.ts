/**
 * Identity files (features.md §7.4): a private key, the SSH certificate, the TLS certificate, then per trusted cluster
 * its `@cert-authority` lines and the PEM of its TLS authorities. They replace profile, keys and agent.
 */
import { badParameter } from "../../errors/error.js";
import { formatKeyLine, parseAuthorizedKey } from "../../pki/ssh-key.js";
import { splitPem } from "../../pki/x509.js";
import { parseCredentials, type Credentials, type CredentialTexts } from "./credentials.js";
import type { TrustedAuthorities } from "./host-authorities.js";
import type { HostAuthorities } from "./known-hosts.js";

/** An identity, and whom it trusts. */
export interface Identity {
  readonly credentials: Credentials;
  readonly authorities: TrustedAuthorities;
}

/** What an identity file is written from. */
export interface IdentityContents extends CredentialTexts {
  readonly authorities: TrustedAuthorities;
}

const AUTHORITY_LINE = /^@cert-authority\s+(\S+)\s+(\S.*)$/;
const PRIVATE_KEY = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?-----END \1-----/;

/** Reads an identity file. Throws `bad_parameter` with what is missing. */
export function parseIdentity(text: string): Identity {
  const privateKeyPem = PRIVATE_KEY.exec(text)?.[0];
  const certificateLine = text.split("\n").find((line) => /^\S+-cert-v01@openssh\.com\s/.test(line));
  const [tlsCertificatePem, ...tls] = splitPem(text);
  if (privateKeyPem === undefined || certificateLine === undefined || tlsCertificatePem === undefined) {
    throw badParameter(
      "not an identity file: expected a private key, an SSH certificate and a TLS certificate, " +
        "as tctl auth sign --format=file writes them",
    );
  }
  const ssh = text.split("\n").flatMap((line) => parseAuthorityLine(line) ?? []);
  if (ssh.length === 0 || tls.length === 0) {
    throw badParameter(
      "missing trusted certificate authorities in the identity, upgrade to newer version of tctl, " +
        "export identity and try again",
    );
  }
  return {
    credentials: parseCredentials({
      privateKeyPem: `${privateKeyPem}\n`,
      certificateLine,
      tlsCertificatePem,
    }),
    authorities: { ssh, tls },
  };
}

/** The text of an identity file; clusters in order of their names. */
export function formatIdentity(contents: IdentityContents): string {
  const clusters = [...contents.authorities.ssh].sort((a, b) => (a.cluster < b.cluster ? -1 : 1));
  return [
    contents.privateKeyPem,
    contents.certificateLine,
    contents.tlsCertificatePem,
    ...clusters.flatMap(({ cluster, keys }) =>
      keys.map((key) => `@cert-authority *.${cluster} ${formatKeyLine(key, "type=host")}`),
    ),
    ...contents.authorities.tls,
  ]
    .map((part) => `${part.trimEnd()}\n`)
    .join("");
}

/** The patterns of a line are `*.<cluster>`, perhaps with names of proxies beside it. */
function parseAuthorityLine(line: string): HostAuthorities | undefined {
  const [, patterns, key] = AUTHORITY_LINE.exec(line) ?? [];
  const wildcard = patterns?.split(",").find((pattern) => pattern.startsWith("*."));
  if (wildcard === undefined || key === undefined) return undefined;
  return { cluster: wildcard.slice(2), keys: [parseAuthorizedKey(key).blob] };
}
