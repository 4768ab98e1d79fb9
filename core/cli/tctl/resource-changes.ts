/** What `tctl create` and `tctl rm` do with each kind (features.md §2.5). Kinds that are not here cannot be changed. */
import type { z } from "zod";
import type { AuthApi } from "../../auth/client/api.js";
import { badParameter } from "../../errors/error.js";
import { authorityCodec } from "../../resources/authority-codec.js";
import type { CertAuthority } from "../../resources/authority.js";
import { authPreferenceCodec, clusterConfigCodec } from "../../resources/cluster-codec.js";
import type { AuthPreference, ClusterConfig } from "../../resources/cluster.js";
import { lockCodec } from "../../resources/lock-codec.js";
import type { Lock } from "../../resources/lock.js";
import { tokenOfResource } from "../../resources/token-resource.js";
import { roleCodec } from "../../resources/role-codec.js";
import type { Role } from "../../resources/role.js";
import { type StoredToken, tokenCodec } from "../../resources/token-codec.js";
import { userCodec } from "../../resources/user-codec.js";
import type { User } from "../../resources/user.js";
import { terminalText } from "../terminal-text.js";
import { resourceKind, type AnyResource } from "./resource-kinds.js";

/** What is asked for besides the resource itself. */
export interface CreationRequest {
  /** Whether to replace one of the same name. */
  readonly overwrite: boolean;
}

/** How a resource of one kind is made from a document. */
export interface Creation {
  readonly schema: z.ZodType;
  /** Makes it and returns what to say. Throws `already_exists` where it exists and must not be overwritten. */
  create(api: AuthApi, resource: AnyResource, request: CreationRequest): Promise<string>;
}

/** Declares a creation that takes exactly what its schema gives. */
function creation<R extends AnyResource>(
  schema: z.ZodType<R>,
  create: (api: AuthApi, resource: R, request: CreationRequest) => Promise<string>,
): Creation {
  return { schema, create: (api, resource, request) => create(api, resource as R, request) };
}

/** teleport.yaml is the source of these. */
const UNTIL_RESTART = ": an auth server that starts writes its teleport.yaml over it, so change that too";

const nameOf = ({ metadata }: AnyResource): string => terminalText(metadata.name);

const CREATIONS: Readonly<Record<string, Creation>> = {
  role: creation<Role>(roleCodec.schema, async (api, role, { overwrite }) => {
    await (overwrite ? api.upsertRole(role) : api.createRole(role));
    return `role '${nameOf(role)}' has been created`;
  }),
  // 4.2 has always overwritten users, and scripts count on it.
  user: creation<User>(userCodec.schema, async (api, user) => {
    await api.upsertUser(user);
    return `user '${nameOf(user)}' has been updated`;
  }),
  lock: creation<Lock>(lockCodec.schema, async (api, lock, { overwrite }) => {
    await (overwrite ? api.upsertLock(lock) : api.createLock(lock));
    return `lock '${nameOf(lock)}' has been created`;
  }),
  token: creation<StoredToken>(tokenCodec.schema, async (api, resource, { overwrite }) => {
    const { metadata, spec } = resource;
    const name = terminalText(metadata.name);
    if (metadata.expires === undefined) {
      throw badParameter(
        `token '${name}' needs metadata.expires: those that never expire belong into teleport.yaml`,
      );
    }
    if (spec.host_id !== undefined) {
      throw badParameter(`token '${name}' has been used in part: only the host that did so may use it up`);
    }
    const token = tokenOfResource(resource);
    await (overwrite ? api.upsertToken(token) : api.createToken(token));
    return `token '${name}' has been created`;
  }),
  cert_authority: creation<CertAuthority>(authorityCodec.schema, async (api, authority, { overwrite }) => {
    await (overwrite ? api.upsertCertAuthority(authority) : api.createCertAuthority(authority));
    return `certificate authority '${nameOf(authority)}' has been updated`;
  }),
  cluster_auth_preference: creation<AuthPreference>(authPreferenceCodec.schema, async (api, preference) => {
    await api.setAuthPreference(preference);
    return `cluster_auth_preference has been updated${UNTIL_RESTART}`;
  }),
  cluster_config: creation<ClusterConfig>(clusterConfigCodec.schema, async (api, config) => {
    await api.setClusterConfig(config);
    return `cluster_config has been updated${UNTIL_RESTART}`;
  }),
};

const REMOVALS: Readonly<Record<string, (api: AuthApi, name: string) => Promise<void>>> = {
  role: (api, name) => api.deleteRole(name),
  user: (api, name) => api.deleteUser(name),
  lock: (api, name) => api.deleteLock(name),
  token: (api, name) => api.deleteToken(name),
  node: async (api, name) => api.deleteNode("default", await nodeId(api, name)),
  proxy: (api, name) => api.deleteProxy(name),
};

/** People know nodes by name; what is deleted must be one. */
async function nodeId(api: AuthApi, name: string): Promise<string> {
  const [found, ...others] = await resourceKind("node").read(api, {
    name,
    withSecrets: false,
    namespace: "default",
  });
  if (found === undefined || others.length > 0) {
    throw badParameter(`several nodes are named ${JSON.stringify(name)}: use the UUID, see tctl nodes ls`);
  }
  return found.metadata.name;
}

/** How to create a kind. Throws `bad_parameter` for one that is not created by hand. */
export function creationOf(kind: string): Creation {
  const found = CREATIONS[kind];
  if (found === undefined) throw badParameter(`creating resources of type "${kind}" is not supported`);
  return found;
}

/** Deletes a resource. Throws `bad_parameter` for a kind that is not deleted by hand, and `not_found`. */
export async function removeByName(api: AuthApi, kind: string, name: string): Promise<void> {
  const remove = REMOVALS[kind];
  if (remove === undefined) throw badParameter(`deleting resources of type "${kind}" is not supported`);
  await remove(api, name);
}
