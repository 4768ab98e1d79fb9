import type { Revision, Storage } from "../plugin/storage.js";
import { authorityCodec } from "./authority-codec.js";
import type { AuthorityType, CertAuthority } from "./authority.js";
import { createCollection, type Versioned } from "./collection.js";
import { below, keys } from "./keys.js";

/** Certificate authorities of this and of trusted clusters, with their private keys. */
export interface AuthorityStore {
  /** Throws `not_found`. */
  get(type: AuthorityType, cluster: string): Promise<Versioned<CertAuthority>>;
  find(type: AuthorityType, cluster: string): Promise<Versioned<CertAuthority> | undefined>;
  list(type: AuthorityType): Promise<CertAuthority[]>;
  /** Throws `already_exists`. */
  create(authority: CertAuthority): Promise<Revision>;
  put(authority: CertAuthority): Promise<Revision>;
  compareAndSwap(authority: CertAuthority, expected: Revision): Promise<Revision>;
}

/** The authorities in a backend. */
export function createAuthorityStore(storage: Storage): AuthorityStore {
  const collection = createCollection(storage, authorityCodec);
  const keyOf = ({ spec }: CertAuthority): string => keys.authority(spec.type, spec.cluster_name);
  return {
    get: (type, cluster) =>
      collection.get(keys.authority(type, cluster), `certificate authority ${type}/${cluster} is not found`),
    find: (type, cluster) => collection.find(keys.authority(type, cluster)),
    list: async (type) => (await collection.list(below(keys.authoritiesOf(type)))).map(({ value }) => value),
    create: (authority) => collection.create(keyOf(authority), authority),
    put: (authority) => collection.put(keyOf(authority), authority),
    compareAndSwap: (authority, expected) => collection.compareAndSwap(keyOf(authority), authority, expected),
  };
}
