import type { Metadata } from "./envelope.js";

/**
 * Kinds of 4.2 that this release keeps, shows and restores, but does not act upon. Their content is taken as it is, so
 * that nothing of it is lost.
 */
export const KEPT_KINDS = [
  "trusted_cluster",
  "remote_cluster",
  "tunnel",
  "github",
  "oidc",
  "saml",
  "access_request",
] as const;

/** One of {@link KEPT_KINDS}. */
export type KeptKind = (typeof KEPT_KINDS)[number];

/** A resource of such a kind. `remote_cluster` has `status` in place of `spec`. */
export interface KeptResource {
  kind: KeptKind;
  sub_kind?: string;
  version: string;
  metadata: Metadata;
  spec?: unknown;
  status?: unknown;
}
