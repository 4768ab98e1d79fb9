import type { Role } from "../resources/role.js";
import { READ_NO_SECRETS, READ_ONLY } from "./rule.js";

/**
 * The role that every user has besides the named ones and that is never stored (features.md §5.4): what a client
 * needs to find its way. Its options never count, so it grants neither port forwarding nor a certificate's life.
 */
export const IMPLICIT_ROLE: Role = {
  kind: "role",
  version: "v3",
  metadata: { name: "default-implicit-role" },
  spec: {
    options: {},
    allow: {
      node_labels: {},
      rules: [
        ...["node", "auth_server", "tunnel", "cluster_auth_preference", "cluster_name", "ssh_session"].map(
          (kind) => ({
            resources: [kind],
            verbs: [...READ_ONLY],
          }),
        ),
        { resources: ["cert_authority"], verbs: [...READ_NO_SECRETS] },
      ],
    },
    deny: {},
  },
};
