/** Names of the SSH algorithms that teleport.yaml may list and the SSH layer can do. */

/** The names of one kind of algorithm, each list in order of preference. */
export interface AlgorithmNames {
  /** Offered where nothing is configured. */
  readonly defaults: readonly string[];
  /** Offered only where the operator lists them. */
  readonly optional: readonly string[];
}

/** Key exchanges; the SHA-1 one is for peers that know nothing better. */
export const SSH_KEY_EXCHANGES: AlgorithmNames = {
  defaults: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
  ],
  optional: [
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha1",
  ],
};

/** Ciphers. ChaCha20 is optional since OpenSSH would prefer it to AES-GCM, which is the fastest by far here. */
export const SSH_CIPHERS: AlgorithmNames = {
  defaults: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"],
  optional: ["chacha20-poly1305@openssh.com"],
};

/** Message authentication codes; the SHA-1 ones are for peers that know nothing better. */
export const SSH_MACS: AlgorithmNames = {
  defaults: [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
  ],
  optional: ["hmac-sha1", "hmac-sha1-96"],
};

/** Every name of a kind. */
export function allNames({ defaults, optional }: AlgorithmNames): readonly string[] {
  return [...defaults, ...optional];
}
