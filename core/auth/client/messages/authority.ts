import { create } from "@bufbuild/protobuf";
import { badParameter } from "../../../errors/error.js";
import type { CertAuthority, TlsKeyPair } from "../../../resources/authority.js";
import { CertAuthorityV2Schema, type CertAuthorityV2 } from "./gen/services_pb.js";
import { fromEnvelope, toEnvelope } from "./envelope.js";
import { fromRotation, toRotation } from "./rotation.js";

/** A certificate authority as a message. */
export function toCertAuthority(authority: CertAuthority): CertAuthorityV2 {
  const { spec } = authority;
  return create(CertAuthorityV2Schema, {
    ...toEnvelope(authority),
    spec: {
      type: spec.type,
      clusterName: spec.cluster_name,
      checkingKeys: spec.checking_keys.map(decode),
      signingKeys: (spec.signing_keys ?? []).map(decode),
      roles: spec.roles ?? [],
      roleMap: spec.role_map ?? [],
      tlsKeyPairs: (spec.tls_key_pairs ?? []).map(({ cert, key }) => ({
        cert: decode(cert ?? ""),
        key: decode(key ?? ""),
      })),
      // Unlike a server's, an authority's rotation is a pointer in 4.2: absent stays absent.
      ...(spec.rotation && { rotation: toRotation(spec.rotation) }),
    },
  });
}

/** A certificate authority from a message. Throws `bad_parameter` for another type than host and user. */
export function fromCertAuthority(message: CertAuthorityV2): CertAuthority {
  const { spec } = message;
  if (spec?.type !== "host" && spec?.type !== "user") {
    throw badParameter(`'${spec?.type ?? ""}' is no type of authority, expected 'host' or 'user'`);
  }
  return {
    ...fromEnvelope(message, "cert_authority"),
    spec: {
      type: spec.type,
      cluster_name: spec.clusterName,
      checking_keys: spec.checkingKeys.map(encode),
      ...(spec.signingKeys.length > 0 && { signing_keys: spec.signingKeys.map(encode) }),
      ...(spec.roles.length > 0 && { roles: spec.roles }),
      ...(spec.roleMap.length > 0 && {
        role_map: spec.roleMap.map(({ remote, local }) => ({ remote, local })),
      }),
      ...(spec.tlsKeyPairs.length > 0 && {
        tls_key_pairs: spec.tlsKeyPairs.map(({ cert, key }): TlsKeyPair => ({
          ...(cert.length > 0 && { cert: encode(cert) }),
          ...(key.length > 0 && { key: encode(key) }),
        })),
      }),
      ...(spec.rotation && { rotation: fromRotation(spec.rotation) }),
    },
  };
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64, "base64"));
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
