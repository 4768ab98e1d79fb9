/** The keys that vouch for users and hosts of this cluster towards SSH servers and clients. */
import { parseAuthorizedKey } from "../../pki/ssh-key.js";
import type { ClusterView } from "./view.js";

/** The keys whose certificates get users in, as public blobs: those of this cluster's user authority. */
export function trustedUserAuthorities(view: ClusterView): Buffer[] {
  return ownAuthorities(view, "user");
}

/** The keys whose certificates prove a host, as public blobs: those of this cluster's host authority. */
export function trustedHostAuthorities(view: ClusterView): Buffer[] {
  return ownAuthorities(view, "host");
}

/** A key that cannot be read vouches for nobody, and keeps nobody else out. */
function ownAuthorities(view: ClusterView, type: "user" | "host"): Buffer[] {
  return view
    .authorities(type)
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
