import type { KeyPair } from "@teleport/plugin";

/** Where the source gets its pair from. */
export interface PairProvider {
  /** Reads and verifies the pair. Throws `config` for a pair that cannot be used, `unavailable` where it cannot be read. */
  load(): Promise<KeyPair>;
}
