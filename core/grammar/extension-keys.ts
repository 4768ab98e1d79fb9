/**
 * The top-level key prefix of what 4.2 does not know, in the cluster's store and in a host's own. No prefix that 4.2
 * lists is a prefix of it, so 4.2 can be started on the same store (storage.md §5).
 */
export const EXTENSION_KEYS = "/extensions";
