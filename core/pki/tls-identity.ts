import type { X509Certificate } from "node:crypto";
import { accessDenied } from "../errors/error.js";
import { children, decodeDer } from "./der.js";
import { ATTRIBUTE, decodeName, type DistinguishedName } from "./x509-name.js";

/** Who a TLS certificate speaks for (wire.md §1.5). For hosts: `<uuid>.<cluster>` and one system role. */
export interface TlsSubject {
  readonly username: string;
  /** Role names of a user, or the one system role of a host. */
  readonly roles: string[];
  /** What the certificate is restricted to, such as `usage:kube`. */
  readonly usage?: string[] | undefined;
  /** OS logins that the user may take. */
  readonly logins?: string[] | undefined;
  readonly kubernetesGroups?: string[] | undefined;
  readonly kubernetesUsers?: string[] | undefined;
  /** The leaf cluster that requests go to. */
  readonly routeToCluster?: string | undefined;
  readonly traits?: Record<string, string[] | null> | undefined;
}

/** What a peer's TLS certificate says. Meaningful only once its chain has been verified. */
export interface TlsIdentity extends TlsSubject {
  /** The cluster that issued the certificate: the issuer's `O`. */
  readonly issuerCluster: string;
  /** When its validity starts. */
  readonly notBefore: Date;
  readonly expires: Date;
  /** Upper-case hex, as node:crypto gives it. */
  readonly serial: string;
}

/** Reads the identity out of a certificate. Throws `access_denied` where it names no user, role or cluster. */
export function parseTlsIdentity(certificate: X509Certificate): TlsIdentity {
  const { issuer, subject } = decodeNames(certificate);
  const values = (type: string): string[] | undefined => subject.get(type)?.slice();
  const username = only(subject, ATTRIBUTE.commonName);
  const roles = values(ATTRIBUTE.organization)?.filter((role) => role !== "");
  const issuerCluster = only(issuer, ATTRIBUTE.organization);
  if (!username || !issuerCluster || roles === undefined || roles.length === 0) {
    throw accessDenied("the client certificate does not name a user, a role and a cluster");
  }
  return {
    username,
    roles,
    usage: values(ATTRIBUTE.organizationalUnit),
    logins: values(ATTRIBUTE.locality),
    kubernetesGroups: values(ATTRIBUTE.kubernetesGroups) ?? values(ATTRIBUTE.province),
    kubernetesUsers: values(ATTRIBUTE.kubernetesUsers),
    routeToCluster: subject.get(ATTRIBUTE.street)?.[0] || undefined,
    traits: parseTraits(subject.get(ATTRIBUTE.postalCode)?.[0] ?? ""),
    issuerCluster,
    notBefore: new Date(certificate.validFrom),
    expires: new Date(certificate.validTo),
    serial: certificate.serialNumber,
  };
}

/** The subject of a new certificate in the order in which Go writes it. */
export function subjectName(subject: TlsSubject): [string, readonly string[]][] {
  return [
    [ATTRIBUTE.organization, subject.roles],
    [ATTRIBUTE.organizationalUnit, subject.usage ?? []],
    [ATTRIBUTE.locality, subject.logins ?? []],
    [ATTRIBUTE.province, subject.kubernetesGroups ?? []],
    [ATTRIBUTE.street, [subject.routeToCluster ?? ""]],
    [ATTRIBUTE.postalCode, [JSON.stringify(subject.traits ?? null)]],
    [ATTRIBUTE.commonName, [subject.username]],
    [ATTRIBUTE.kubernetesUsers, subject.kubernetesUsers ?? []],
    [ATTRIBUTE.kubernetesGroups, subject.kubernetesGroups ?? []],
  ];
}

function decodeNames(certificate: X509Certificate): {
  issuer: DistinguishedName;
  subject: DistinguishedName;
} {
  try {
    const [tbs] = children(decodeDer(certificate.raw));
    const fields = children(tbs);
    return { issuer: decodeName(fields[3]), subject: decodeName(fields[5]) };
  } catch (cause) {
    throw accessDenied("the client certificate's names cannot be read", { cause });
  }
}

/** A name that is given twice is as good as none: two readers could believe two different ones. */
function only(name: DistinguishedName, type: string): string | undefined {
  const values = name.get(type) ?? [];
  return values.length === 1 ? values[0] : undefined;
}

function parseTraits(json: string): Record<string, string[] | null> | undefined {
  if (json === "") {
    return undefined;
  }
  let traits: unknown;
  try {
    traits = JSON.parse(json);
  } catch (cause) {
    throw accessDenied("the client certificate's traits are not JSON", { cause });
  }
  if (traits === null) {
    return undefined;
  }
  if (!isTraits(traits)) {
    throw accessDenied("the client certificate's traits are not lists of text");
  }
  return traits;
}

function isTraits(value: unknown): value is Record<string, string[] | null> {
  const isList = (list: unknown): boolean =>
    list === null || (Array.isArray(list) && list.every((item) => typeof item === "string"));
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isList)
  );
}
