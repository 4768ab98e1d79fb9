import { type Explanation, explainConnection } from "../../access/explain.js";
import { serverLabels } from "../../access/server-labels.js";
import { type IdentityClaims, type IdentitySource, identifyUser } from "../../access/user-identity.js";
import type { AuthApi } from "../../auth/client/api.js";
import { accessDenied, badParameter, hasCode, notFound } from "../../errors/error.js";
import type { Resource } from "../../resources/envelope.js";
import { optionalTime } from "../../resources/rfc3339.js";
import type { Server } from "../../resources/server.js";
import type { User } from "../../resources/user.js";

/** The users and nodes of a cluster as of one moment, with what decides who may log in where. */
export interface AccessSnapshot {
  readonly users: readonly User[];
  readonly nodes: readonly Server[];
  /** Throws `not_found`. */
  user(name: string): User;
  /** Finds a node by UUID or hostname. Throws `not_found`, and `bad_parameter` where several have the hostname. */
  node(name: string): Server;
  /** The logins that the user has at the node; none where the user's roles cannot be read. */
  logins(user: User, node: Server): string[];
  /** Answers for a certificate that the user gets at that moment. */
  explain(user: User, login: string, node: Server): Explanation;
}

/** Reads the cluster's state. What expires by `at`, users and roles among it, is left out. */
export async function readAccess(api: AuthApi, at: Date): Promise<AccessSnapshot> {
  const lasting = <R extends Resource<string, unknown>>(resources: readonly R[]): R[] =>
    resources.filter(({ metadata }) => (optionalTime(metadata.expires) ?? at) >= at);
  // Nodes announce themselves anew before they expire, so their expiry says nothing about later.
  const nodes = await api.getNodes("default");
  const users = lasting(await api.getUsers());
  const roles = new Map(lasting(await api.getRoles()).map((role) => [role.metadata.name, role]));
  const locks = await api.getLocks();
  const source = {
    user: (name: string) => users.find(({ metadata }) => metadata.name === name),
    roles: (names: readonly string[]) =>
      names.map((name) => {
        const role = roles.get(name);
        if (role === undefined) throw accessDenied(`role '${name}' does not exist`);
        return role;
      }),
    locks: () => locks,
    staleSince: () => undefined,
  };
  // Without roles, as in the format `oldssh`, those that the user has now count.
  const claims = (user: User): IdentityClaims => ({
    keyId: user.metadata.name,
    extensions: new Map(),
    validAfter: at,
  });
  const explain = (user: User, login: string, node: Server): Explanation =>
    explainConnection({
      certificate: claims(user),
      login,
      server: {
        namespace: "default",
        labels: serverLabels(node),
        id: node.metadata.name,
        hostname: node.spec.hostname,
      },
      source,
      now: at,
    });
  return {
    users,
    nodes,
    user(name) {
      const user = source.user(name);
      if (user === undefined) throw notFound(`user ${name} is not found: see tctl users ls`);
      return user;
    },
    node: (name) => findNode(nodes, name),
    logins: (user, node) =>
      grantedLogins(claims(user), source).filter((login) => explain(user, login, node).allowed),
    explain,
  };
}

/** A user with a role that does not exist or cannot be read is refused everywhere. */
function grantedLogins(claims: IdentityClaims, source: IdentitySource): string[] {
  try {
    return identifyUser(claims, source).access.logins();
  } catch (error) {
    if (hasCode(error, "access_denied") || hasCode(error, "corrupt")) return [];
    throw error;
  }
}

function findNode(nodes: readonly Server[], name: string): Server {
  const byId = nodes.find(({ metadata }) => metadata.name === name);
  if (byId !== undefined) return byId;
  const [node, ...others] = nodes.filter(({ spec }) => spec.hostname === name);
  if (node === undefined) throw notFound(`node ${name} is not found: see tctl nodes ls`);
  if (others.length > 0) {
    const ids = [node, ...others].map(({ metadata }) => metadata.name).join(", ");
    throw badParameter(`there are several nodes ${name}: use one of the UUIDs ${ids}`);
  }
  return node;
}
