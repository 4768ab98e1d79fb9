/** Identities of this host, in the process store `<data_dir>/proc` with the keys and values of 4.2 (storage.md §2.2). */
import type { HostIdentity } from "./identity.js";
import { corrupt, hasCode } from "../../errors/error.js";
import { EXTENSION_KEYS } from "../../grammar/extension-keys.js";
import { parseSshCertificateLine } from "../../pki/ssh-certificate.js";
import type { Storage } from "../../plugin/storage.js";
import type { SystemRole } from "../../resources/token.js";

/** The stored form; values are base64 of text. */
interface StoredIdentity {
  kind: "identity";
  version: "v2";
  metadata: { name: string };
  spec: { key: string; ssh_cert: string; tls_cert: string; tls_ca_certs: string[]; ssh_ca_certs: string[] };
}

/** Extension of a host certificate that names its cluster (wire.md §1.4). */
const AUTHORITY_EXTENSION = "x-teleport-authority";

/** Reads and writes the identities of one data directory. */
export interface IdentityStore {
  /** The identity for a role, or undefined where this host has none yet. Throws `corrupt` for one it cannot read. */
  read(role: SystemRole): Promise<HostIdentity | undefined>;
  write(identity: HostIdentity): Promise<void>;
  /** A host key of ours beside the identity's RSA key: PEM and certificate line. */
  readExtraKey(role: SystemRole, name: string): Promise<ExtraHostKey | undefined>;
  writeExtraKey(role: SystemRole, name: string, key: ExtraHostKey): Promise<void>;
}

/** A further SSH host key with its certificate. */
export interface ExtraHostKey {
  readonly keyPem: string;
  readonly sshCertificate: string;
}

/** Opens the identities in a process store. */
export function openIdentityStore(store: Storage, hostId: string): IdentityStore {
  const read = async <T>(key: string): Promise<T | undefined> => {
    try {
      return JSON.parse(Buffer.from((await store.get(key)).value).toString()) as T;
    } catch (cause) {
      if (hasCode(cause, "not_found")) return undefined;
      if (!(cause instanceof SyntaxError)) throw cause;
      throw corrupt(`${key} in the process store cannot be read: remove <data_dir>/proc to join anew`, {
        cause,
      });
    }
  };
  const write = async (key: string, value: unknown): Promise<void> => {
    await store.put({ key, value: Buffer.from(JSON.stringify(value)) });
  };

  return {
    async read(role) {
      const key = identityKey(role);
      const stored = await read<StoredIdentity>(key);
      return stored && decode(stored, role, hostId, key);
    },
    write: (identity) => write(identityKey(identity.role), encode(identity)),
    readExtraKey: (role, name) => read<ExtraHostKey>(extraKey(role, name)),
    writeExtraKey: (role, name, key) => write(extraKey(role, name), key),
  };
}

const identityKey = (role: SystemRole): string => `/ids/${role.toLowerCase()}/current`;
const extraKey = (role: SystemRole, name: string): string =>
  `${EXTENSION_KEYS}/host-keys/${role.toLowerCase()}/${name}`;

const toBase64 = (text: string): string => Buffer.from(text).toString("base64");
const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString();

function encode(identity: HostIdentity): StoredIdentity {
  return {
    kind: "identity",
    version: "v2",
    metadata: { name: "current" },
    spec: {
      key: toBase64(identity.keyPem),
      ssh_cert: toBase64(identity.sshCertificate),
      tls_cert: toBase64(identity.tlsCertificatePem),
      tls_ca_certs: identity.tlsAuthorities.map(toBase64),
      ssh_ca_certs: identity.sshAuthorities.map(toBase64),
    },
  };
}

function decode(stored: StoredIdentity, role: SystemRole, hostId: string, key: string): HostIdentity {
  try {
    const { spec } = stored;
    const sshCertificate = fromBase64(spec.ssh_cert);
    const clusterName = parseSshCertificateLine(sshCertificate).extensions.get(AUTHORITY_EXTENSION);
    if (!clusterName) throw new Error("its certificate names no cluster");
    return {
      hostId,
      role,
      clusterName,
      keyPem: fromBase64(spec.key),
      sshCertificate,
      tlsCertificatePem: fromBase64(spec.tls_cert),
      tlsAuthorities: spec.tls_ca_certs.map(fromBase64),
      sshAuthorities: spec.ssh_ca_certs.map(fromBase64),
    };
  } catch (cause) {
    throw corrupt(`${key} in the process store is no identity: remove <data_dir>/proc to join anew`, {
      cause,
    });
  }
}
