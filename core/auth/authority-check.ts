import { badParameter } from "../errors/error.js";
import { caPin } from "../pki/ca-pin.js";
import { parsePrivateKey } from "../pki/keys.js";
import { authorityCodec } from "../resources/authority-codec.js";
import type { CertAuthority } from "../resources/authority.js";
import { fromBase64 } from "./base64.js";

/**
 * Checks an authority that somebody restores: one of this cluster must be able to sign, one of another cluster must not.
 * Throws `bad_parameter`.
 */
export function checkedAuthority(value: unknown, clusterName: string): CertAuthority {
  const authority = authorityCodec.check(value);
  const { type, cluster_name: name, signing_keys: signing = [], tls_key_pairs: pairs = [] } = authority.spec;
  const what = `certificate authority ${type}/${name}`;
  const hasPrivateKeys = signing.length > 0 || pairs.some(({ key }) => key !== undefined);
  if (name !== clusterName) {
    if (!hasPrivateKeys) return authority;
    throw badParameter(`${what} signs for another cluster: set cluster_name to ${name} to restore that one`);
  }
  if (signing.length === 0 || pairs.length === 0) {
    throw badParameter(`${what} lacks its private keys: export it with tctl get all`);
  }
  try {
    for (const key of signing) parsePrivateKey(fromBase64(key));
    for (const { cert = "", key = "" } of pairs) {
      parsePrivateKey(fromBase64(key));
      caPin(fromBase64(cert));
    }
  } catch (cause) {
    throw badParameter(`${what} has a key or certificate that cannot be read`, { cause });
  }
  return authority;
}
