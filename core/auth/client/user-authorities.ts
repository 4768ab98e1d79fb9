import { parseAuthorizedKey } from "../../pki/ssh-key.js";
import type { ClusterView } from "./view.js";

/**
 * The keys whose certificates get users in, as public blobs: those of this cluster's user authority. A key that cannot be
 * read vouches for nobody, and keeps nobody else out.
 */
export function trustedUserAuthorities(view: ClusterView): Buffer[] {
  return view
    .authorities("user")
    .filter((authority) => authority.spec.cluster_name === view.clusterName)
    .flatMap((authority) => authority.spec.checking_keys)
    .flatMap((key) => {
      try {
        return [parseAuthorizedKey(Buffer.from(key, "base64").toString("utf8")).blob];
      } catch {
        return [];
      }
    });
}
