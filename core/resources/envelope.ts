/** What every stored and transmitted resource has around its `spec`: the envelope of wire.md §6.7. */

/** Resource metadata. `namespace` is never serialised; it is always `default`. */
export interface Metadata {
  name: string;
  description?: string;
  labels?: Record<string, string>;
  /** RFC 3339. Absent means never. */
  expires?: string;
}

/** A resource of one kind. Field names are those of the JSON form, which is stored and sent as it is. */
export interface Resource<K extends string, S> {
  kind: K;
  sub_kind?: string;
  version: string;
  metadata: Metadata;
  spec: S;
}

/** The time that stands for "no time" in 4.2's JSON. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";
