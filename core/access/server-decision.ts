/**
 * Whether roles let a login in at a server (features.md §5.2). The conditions of a role are asked in one order by
 * enforcement, which stops at the first answer, and by explanations, which want all of them.
 */
import type { CompiledRole } from "./compiled-role.js";
import { allow, type Decision, refuse } from "./decision.js";
import type { LabelMisfit } from "./label-selector.js";

/** What roles see of a server. */
export interface ServerFacts {
  readonly namespace: string;
  /** Static labels with the results of label commands over them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A deny condition that holds. */
export interface ServerDenial {
  readonly role: string;
  readonly by: "labels" | "login";
}

/** What a role lacks to let a login in. */
export type ServerLack =
  | { readonly lacks: "namespace" }
  | {
      readonly lacks: "login";
      /** What its `allow.logins` give the user. */
      readonly granted: readonly string[];
    }
  | { readonly lacks: "labels"; readonly misfit: LabelMisfit };

/** Everything that the roles of a user say about a login at a server. */
export interface ServerFindings {
  /** All deny conditions that hold. */
  readonly denials: readonly ServerDenial[];
  /** Of each named role what it lacks; a role that lacks nothing grants the login. */
  readonly roles: readonly { readonly role: string; readonly lacks: readonly ServerLack[] }[];
}

/** What clients are told. */
export const SERVER_DENIED = "access to server denied";

/** Decides: a deny condition of any role refuses, then one role must grant all of it. */
export function decideServer(roles: readonly CompiledRole[], server: ServerFacts, login: string): Decision {
  for (const role of roles) {
    for (const denial of denialsOf(role, server, login))
      return refuse(SERVER_DENIED, denialText(denial, login));
  }
  const granting = roles.find((role) => lacksOf(role, server, login).next().done);
  return granting === undefined ? refuse(SERVER_DENIED, noGrantText(login)) : allow(granting.name);
}

/** Whether {@link decideServer} lets any login in. It takes one look at each role, however many logins there are. */
export function decideVisible(roles: readonly CompiledRole[], server: ServerFacts): boolean {
  const denying = roles.filter(({ deny }) => deny.hasNamespace(server.namespace)).map(({ deny }) => deny);
  if (denying.some(({ labels }) => labels.fits(server.labels))) return false;
  const isDenied = (login: string): boolean => denying.some(({ logins }) => logins.has(login));
  return roles.some(
    ({ allow: { logins, labels, hasNamespace } }) =>
      hasNamespace(server.namespace) &&
      logins.names.length > 0 &&
      labels.fits(server.labels) &&
      logins.names.some((login) => !isDenied(login)),
  );
}

/** Finds all that the roles say, where {@link decideServer} stops at what decides. */
export function findServer(
  roles: readonly CompiledRole[],
  server: ServerFacts,
  login: string,
): ServerFindings {
  return {
    denials: roles.flatMap((role) => [...denialsOf(role, server, login)]),
    roles: roles.map((role) => ({ role: role.name, lacks: [...lacksOf(role, server, login)] })),
  };
}

/** What the log says of a deny condition. */
export function denialText({ role, by }: ServerDenial, login: string): string {
  const what = by === "labels" ? "the server's labels" : `the login ${JSON.stringify(login)}`;
  return `role ${role} denies ${what}`;
}

/** What the log says where no role grants a login. */
export function noGrantText(login: string): string {
  return `no role allows the login ${JSON.stringify(login)} together with the server's labels`;
}

function* denialsOf(
  { name, deny }: CompiledRole,
  server: ServerFacts,
  login: string,
): Generator<ServerDenial> {
  if (!deny.hasNamespace(server.namespace)) return;
  if (deny.labels.fits(server.labels)) yield { role: name, by: "labels" };
  if (deny.logins.has(login)) yield { role: name, by: "login" };
}

function* lacksOf(role: CompiledRole, server: ServerFacts, login: string): Generator<ServerLack, undefined> {
  const { logins, labels } = role.allow;
  if (!role.allow.hasNamespace(server.namespace)) yield { lacks: "namespace" };
  if (!logins.has(login)) yield { lacks: "login", granted: logins.names };
  const misfit = labels.misfit(server.labels);
  if (misfit !== undefined) yield { lacks: "labels", misfit };
}
