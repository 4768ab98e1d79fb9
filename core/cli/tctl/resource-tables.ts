/** The tables of resources that need more than their name (features.md §2.5). */
import { fingerprintSha256, parseAuthorizedKey } from "../../pki/ssh-key.js";
import type { CertAuthority } from "../../resources/authority.js";
import type { Lock } from "../../resources/lock.js";
import type { Role, RoleConditions } from "../../resources/role.js";
import { table } from "../table.js";

/** Roles with what they allow. */
export function roleTable(roles: readonly Role[]): string {
  return table(
    ["Role", "Allowed to login as", "Node Labels", "Access to resources"],
    roles.map(({ metadata, spec: { allow } }) => [
      metadata.name,
      (allow.logins ?? []).join(","),
      nodeLabels(allow),
      (allow.rules ?? [])
        .map(({ resources, verbs }) => `${resources.join(",")}:${verbs.join(",")}`)
        .join(","),
    ]),
  );
}

/** Certificate authorities, a row for each key. */
export function authorityTable(authorities: readonly CertAuthority[]): string {
  const rows = authorities.flatMap((authority) =>
    authority.spec.checking_keys.map((key) => [
      authority.spec.cluster_name,
      authority.spec.type,
      fingerprintSha256(parseAuthorizedKey(Buffer.from(key, "base64").toString()).blob),
      roleMap(authority),
    ]),
  );
  return table(["Cluster Name", "CA Type", "Fingerprint", "Role Map"], rows);
}

/** Locks with whom they shut out, and until when. */
export function lockTable(locks: readonly Lock[]): string {
  return table(
    ["Name", "Target", "Message", "Expires"],
    locks.map(({ metadata, spec }) => [
      metadata.name,
      targetText(spec),
      spec.message ?? "",
      spec.expires ?? "never",
    ]),
  );
}

function targetText({ target, issued_before: before }: Lock["spec"]): string {
  const parts = Object.entries(target).map(([what, name]) => `${what}=${name}`);
  return [...parts, ...(before === undefined ? [] : [`certificates of before ${before}`])].join(",");
}

function nodeLabels({ node_labels: labels = {} }: RoleConditions): string {
  if ("*" in labels) return "<all nodes>";
  return Object.entries(labels)
    .map(([key, values]) => `${key}=${[values].flat().join("|")}`)
    .join(",");
}

function roleMap({ spec }: CertAuthority): string {
  if (spec.type === "host") return "N/A";
  const pairs = (spec.role_map ?? []).map(({ remote, local }) => `${remote}:[${local.join(" ")}]`).sort();
  if (pairs.length > 0) return `map[${pairs.join(" ")}]`;
  return "<empty>";
}
