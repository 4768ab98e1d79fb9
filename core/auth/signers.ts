import type { KeyObject } from "node:crypto";
import { corrupt } from "../errors/error.js";
import { parsePrivateKey } from "../pki/keys.js";
import type { AuthorityStore } from "../resources/authorities.js";
import type { AuthorityType, CertAuthority } from "../resources/authority.js";
import { fromBase64 } from "./base64.js";

/** What signs new certificates, and what peers need to check them. */
export interface Signer {
  readonly sshKey: KeyObject;
  readonly tls: { readonly certPem: string; readonly key: KeyObject };
  readonly authority: CertAuthority;
}

/** The cluster's own signing keys. */
export interface Signers {
  /** The active signer of a type: the first key pair of the stored authority. */
  active(type: AuthorityType): Promise<Signer>;
}

/** Signers over the authority store. Keys are parsed anew only when the stored authority changes. */
export function createSigners(authorities: AuthorityStore, clusterName: string): Signers {
  const parsed = new Map<AuthorityType, { revision: string; signer: Signer }>();
  return {
    async active(type) {
      const { value, revision } = await authorities.get(type, clusterName);
      const known = parsed.get(type);
      if (known?.revision === revision) {
        return known.signer;
      }
      const signer = parseSigner(value);
      parsed.set(type, { revision, signer });
      return signer;
    },
  };
}

function parseSigner(authority: CertAuthority): Signer {
  const { signing_keys: signingKeys, tls_key_pairs: pairs, type, cluster_name: cluster } = authority.spec;
  const sshKey = signingKeys?.[0];
  const { cert, key } = pairs?.[0] ?? {};
  if (sshKey === undefined || cert === undefined || key === undefined) {
    throw corrupt(`the ${type} authority of ${cluster} has no private keys and cannot sign`);
  }
  return {
    sshKey: parsePrivateKey(fromBase64(sshKey)),
    tls: { certPem: fromBase64(cert), key: parsePrivateKey(fromBase64(key)) },
    authority,
  };
}
