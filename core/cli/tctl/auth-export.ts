import { createPrivateKey } from "node:crypto";
import type { Command } from "commander";
import { badParameter } from "../../errors/error.js";
import { fingerprintSha256, parseAuthorizedKey, sshPublicBlob } from "../../pki/ssh-key.js";
import type { AuthorityType, CertAuthority } from "../../resources/authority.js";
import { withExamples } from "../program.js";
import { hostAuthorityLine, proxyPatterns, userAuthorityLine } from "./authority-lines.js";
import { withAuth, type TctlContext } from "./context.js";

/** Flags of `tctl auth export`. */
export interface ExportFlags {
  readonly type?: string;
  readonly keys?: boolean;
  readonly fingerprint?: string;
  readonly compat?: string;
}

/** `tctl auth export` (features.md §2.4). */
export function configure(command: Command): void {
  command
    .option("--type <type>", "user, host or tls (default: host and user)")
    .option("--keys", "print private keys; keep them secret")
    .option("--fingerprint <fingerprint>", "only the authority key with this fingerprint: SHA256:...")
    .option("--compat <version>", "1.0 prints user authorities in the known_hosts form, too")
    .action((flags: ExportFlags, command: Command) =>
      withAuth(command, (context) => exportAuthorities(context, flags)),
    );
  withExamples(
    command,
    "tctl auth export --type=host >> ~/.ssh/known_hosts                # ssh trusts the cluster's hosts",
    "tctl auth export --type=user | sed 's/^cert-authority //' > /etc/ssh/teleport-user-ca.pub   # TrustedUserCAKeys",
    "tctl auth export --type=tls > ca.pem",
  );
}

/** Prints the authorities of the local cluster, host before user. */
export async function exportAuthorities(context: TctlContext, flags: ExportFlags): Promise<void> {
  const { api, print } = context;
  const withKeys = flags.keys ?? false;
  const cluster = await api.getDomainName();
  if (flags.type === "tls")
    return print(tlsPair(await api.getCertAuthority("host", cluster, withKeys), withKeys));

  const patterns = withKeys ? [] : await patternsFor(context, flags.type);
  for (const type of authorityTypes(flags.type)) {
    const authority = await api.getCertAuthority(type, cluster, withKeys);
    const texts = withKeys
      ? signingKeys(authority, flags.fingerprint)
      : checkingKeys(authority, flags.fingerprint).map((key) => line(authority, key, patterns, flags.compat));
    for (const text of texts) await print(`${text}\n`);
  }
}

function authorityTypes(type: string | undefined): readonly AuthorityType[] {
  if (type === undefined) return ["host", "user"];
  if (type !== "host" && type !== "user") throw badParameter(`'${type}' authority type is not supported`);
  return [type];
}

async function patternsFor({ api }: TctlContext, type: string | undefined): Promise<string[]> {
  return authorityTypes(type).includes("host") ? proxyPatterns(await api.getProxies()) : [];
}

function line(
  authority: CertAuthority,
  key: string,
  patterns: readonly string[],
  compat: string | undefined,
): string {
  if (authority.spec.type === "host") return hostAuthorityLine(authority, key, patterns);
  return compat === "1.0" ? hostAuthorityLine(authority, key) : userAuthorityLine(authority, key);
}

function checkingKeys({ spec }: CertAuthority, fingerprint: string | undefined): string[] {
  return spec.checking_keys
    .map(fromBase64)
    .filter((key) => !fingerprint || fingerprintSha256(parseAuthorizedKey(key).blob) === fingerprint);
}

function signingKeys({ spec }: CertAuthority, fingerprint: string | undefined): string[] {
  return (spec.signing_keys ?? [])
    .map(fromBase64)
    .filter((pem) => !fingerprint || fingerprintSha256(sshPublicBlob(createPrivateKey(pem))) === fingerprint);
}

/** During a rotation there are two, and whoever takes this for `the` authority would break with its end. */
function tlsPair({ spec }: CertAuthority, withKeys: boolean): string {
  const pairs = spec.tls_key_pairs ?? [];
  const [pair] = pairs;
  if (!pair?.cert || pairs.length !== 1) throw badParameter(`expected one TLS key pair, got ${pairs.length}`);
  const key = withKeys && pair.key ? `${fromBase64(pair.key)}\n` : "";
  return `${key}${fromBase64(pair.cert)}\n`;
}

const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString();
