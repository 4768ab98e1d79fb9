/** What `tctl storage migrate`, `status`, `verify` and `abort` ask for, and what they are told. Ours: 4.2 has none. */

/** A complete teleport.yaml, as text. */
export interface ConfigurationFile {
  /** Its path, for messages about places in it; relative paths in it start from its folder. */
  readonly name: string;
  readonly text: string;
}

/** A move of the cluster that has been started. */
export interface StartedMove {
  readonly id: string;
  /** The settings of the target on one line, without secrets. */
  readonly target: string;
  /** Keys of the file that differ from what the auth server runs with, and that a move leaves alone. */
  readonly not_applied: readonly string[];
}

/**
 * How far a move is. `checking`: nothing is changed yet. `refused`: nothing was changed. `aborted`: rolled back, the cluster
 * is where it was. The others are those of the migration record, in this order; with `committed` the cluster has moved.
 */
export type StorageMovePhase =
  "checking" | "refused" | "copying" | "freezing" | "frozen" | "committed" | "aborted";

/** A move of the cluster, under way or the last one. Times are RFC 3339. */
export interface StorageMove {
  readonly id: string;
  readonly phase: StorageMovePhase;
  /** The settings of the target on one line, without secrets. */
  readonly target: string;
  /** The auth server that leads it. */
  readonly leader: string;
  readonly started_at: string;
  /** When the phase began. */
  readonly changed_at: string;
  /** Items copied so far; the leader itself knows it best, others are told every few seconds. */
  readonly copied: number;
  /** Why it was refused or aborted. */
  readonly reason?: string;
  /** What came of it; only of one that is `committed`. */
  readonly report?: StorageMoveReport;
}

/** What came of a move. */
export interface StorageMoveReport {
  /** Types of the backends. */
  readonly from: string;
  readonly to: string;
  readonly items: number;
  readonly bytes: number;
  /** Writes beyond one per item, because items changed while they were copied. */
  readonly rewrites: number;
  /** How long writes were held back. */
  readonly pause_ms: number;
  readonly total_ms: number;
}

/** An auth server that uses the storage, or did until lately. */
export interface StorageMember {
  readonly id: string;
  readonly name: string;
  readonly alive: boolean;
  /** How far it follows the move that is under way. */
  readonly follows?: StorageMovePhase;
  /** Why it cannot. */
  readonly problem?: string;
}

/** Where the cluster is kept. */
export interface StorageStatus {
  /** The auth server that answers. */
  readonly server: string;
  readonly backend: string;
  /** Its settings on one line, without secrets. */
  readonly settings: string;
  /** How often the cluster has moved. */
  readonly epoch: number;
  /** RFC 3339; absent for a cluster that has always been there. */
  readonly since?: string;
  /** Where teleport.yaml of the auth server that answers says something else: the edit to make there. */
  readonly edit?: string;
  readonly members: readonly StorageMember[];
  readonly move?: StorageMove;
}

/** Items of one kind. */
export interface StoredKindCount {
  readonly kind: string;
  readonly items: number;
  readonly bytes: number;
}

/** What a verification has found so far. */
export interface StorageVerification {
  readonly id: string;
  readonly done: boolean;
  /** Why it ended early. */
  readonly error?: string;
  readonly backend: string;
  /** The settings of what it is compared with, on one line, without secrets. */
  readonly against?: string;
  readonly items: number;
  readonly bytes: number;
  readonly kinds: readonly StoredKindCount[];
  /** SHA-256 over keys and values in key order, hex; empty until it is done. */
  readonly digest: string;
  /** What cannot be decoded: the key without secrets, and why. At most the first 100. */
  readonly damaged: readonly { readonly key: string; readonly problem: string }[];
  readonly damaged_items: number;
  /** Keys, without secrets, of items that the other storage lacks, has besides, or has otherwise. At most the first 100. */
  readonly differing: readonly string[];
  readonly differing_items: number;
}
