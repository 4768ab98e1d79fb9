import type { KeyObject } from "node:crypto";
import { badParameter } from "../errors/error.js";
import { issueSshCertificate } from "../pki/ssh-certificate.js";
import { issueTlsCertificate } from "../pki/x509.js";
import type { Clock } from "../plugin/clock.js";
import type { PackedKeys } from "./client/api.js";
import { isHostId, sshPrincipals, tlsNames, type HostNames } from "./host-names.js";
import type { SubjectKey } from "./public-key.js";
import { toBase64 } from "./base64.js";
import type { Signers } from "./signers.js";
import { validFrom } from "./validity.js";

const TLS_LIFETIME_MS = 315_360_000_000;

/** Issues the certificates of hosts (wire.md §1.4 and §1.5). */
export interface HostCertificates {
  /** SSH and TLS certificates of a host, with the authorities that it is to trust. Throws `bad_parameter`. */
  issue(host: HostNames, keys: { readonly ssh: SubjectKey; readonly tls: KeyObject }): Promise<PackedKeys>;
  /** An SSH certificate line alone, with exactly the given principals. `ttlMs` 0 means it never expires. */
  issueSsh(
    host: Pick<HostNames, "clusterName" | "role">,
    key: SubjectKey,
    principals: readonly string[],
    ttlMs: number,
  ): Promise<string>;
}

/** Certificates signed by the cluster's host authority. */
export function createHostCertificates(signers: Signers, clock: Clock): HostCertificates {
  const notBefore = (): Date => validFrom(clock.now());
  const issueSsh: HostCertificates["issueSsh"] = async (host, key, principals, ttlMs) => {
    const { sshKey } = await signers.active("host");
    return issueSshCertificate(
      {
        type: "host",
        publicBlob: key.blob,
        keyId: "",
        principals,
        validAfter: notBefore(),
        validBefore: ttlMs > 0 ? new Date(clock.now().getTime() + ttlMs) : null,
        extensions: { "x-teleport-authority": host.clusterName, "x-teleport-role": host.role },
      },
      sshKey,
    );
  };
  return {
    issueSsh,
    async issue(host, keys) {
      if (!isHostId(host.hostId)) {
        throw badParameter(`${JSON.stringify(host.hostId)} is not a host id: it must be a UUID`);
      }
      const ssh = await issueSsh(host, keys.ssh, sshPrincipals(host), 0);
      const signer = await signers.active("host");
      const tls = issueTlsCertificate({
        subject: { username: `${host.hostId}.${host.clusterName}`, roles: [host.role] },
        publicKey: keys.tls,
        authority: signer.tls,
        notBefore: notBefore(),
        notAfter: new Date(clock.now().getTime() + TLS_LIFETIME_MS),
        dnsNames: tlsNames(host),
      });
      const { tls_key_pairs: pairs = [], checking_keys: checkingKeys } = signer.authority.spec;
      return {
        key: null,
        cert: toBase64(ssh),
        tls_cert: toBase64(tls),
        tls_ca_certs: pairs.flatMap(({ cert }) => cert ?? []),
        ssh_ca_certs: checkingKeys,
      };
    },
  };
}
