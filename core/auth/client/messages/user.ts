import { create } from "@bufbuild/protobuf";
import type { Traits, User } from "../../../resources/user.js";
import { UserV2Schema, type ExternalIdentity, type UserV2 } from "./gen/services_pb.js";
import { fromEnvelope, toEnvelope } from "./envelope.js";
import { fromTimestamp, toTimestamp } from "./timestamp.js";

/** A user as a message. */
export function toUser(user: User): UserV2 {
  const { spec } = user;
  const traits = Object.entries(spec.traits ?? {});
  return create(UserV2Schema, {
    ...toEnvelope(user),
    spec: {
      oidcIdentities: toIdentities(spec.oidc_identities),
      samlIdentities: toIdentities(spec.saml_identities),
      githubIdentities: toIdentities(spec.github_identities),
      roles: spec.roles,
      traits: {
        values: Object.fromEntries(traits.map(([name, values]) => [name, { values: values ?? [] }])),
      },
      status: {
        isLocked: spec.status.is_locked,
        lockedMessage: spec.status.locked_message ?? "",
        lockedTime: toTimestamp(spec.status.locked_time),
        lockExpires: toTimestamp(spec.status.lock_expires),
      },
      expires: toTimestamp(spec.expires),
      createdBy: {
        ...(spec.created_by.connector && { connector: spec.created_by.connector }),
        time: toTimestamp(spec.created_by.time),
        user: { name: spec.created_by.user.name },
      },
      ...(spec.local_auth && {
        localAuth: {
          passwordHash: Uint8Array.from(Buffer.from(spec.local_auth.password_hash ?? "", "base64")),
          totpKey: spec.local_auth.totp_key ?? "",
        },
      }),
    },
  });
}

/** A user from a message. */
export function fromUser(message: UserV2): User {
  const { spec } = message;
  const traits = Object.entries(spec?.traits?.values ?? {});
  const { connector } = spec?.createdBy ?? {};
  return {
    ...fromEnvelope(message, "user"),
    spec: {
      roles: spec?.roles ?? [],
      ...(traits.length > 0 && { traits: fromTraits(traits) }),
      ...(spec?.oidcIdentities.length && { oidc_identities: fromIdentities(spec.oidcIdentities) }),
      ...(spec?.samlIdentities.length && { saml_identities: fromIdentities(spec.samlIdentities) }),
      ...(spec?.githubIdentities.length && { github_identities: fromIdentities(spec.githubIdentities) }),
      status: {
        is_locked: spec?.status?.isLocked ?? false,
        ...(spec?.status?.lockedMessage && { locked_message: spec.status.lockedMessage }),
        locked_time: fromTimestamp(spec?.status?.lockedTime),
        lock_expires: fromTimestamp(spec?.status?.lockExpires),
      },
      expires: fromTimestamp(spec?.expires),
      created_by: {
        ...(connector && {
          connector: { type: connector.type, id: connector.id, identity: connector.identity },
        }),
        time: fromTimestamp(spec?.createdBy?.time),
        user: { name: spec?.createdBy?.user?.name ?? "" },
      },
      ...(spec?.localAuth && {
        local_auth: {
          ...(spec.localAuth.passwordHash.length > 0 && {
            password_hash: Buffer.from(spec.localAuth.passwordHash).toString("base64"),
          }),
          ...(spec.localAuth.totpKey && { totp_key: spec.localAuth.totpKey }),
        },
      }),
    },
  };
}

function fromTraits(traits: [string, { values: string[] }][]): Traits {
  return Object.fromEntries(traits.map(([name, { values }]) => [name, values.length > 0 ? values : null]));
}

function toIdentities(
  identities: { connector_id: string; username: string }[] | undefined,
): { connectorId: string; username: string }[] {
  return (identities ?? []).map(({ connector_id, username }) => ({ connectorId: connector_id, username }));
}

function fromIdentities(identities: ExternalIdentity[]): { connector_id: string; username: string }[] {
  return identities.map(({ connectorId, username }) => ({ connector_id: connectorId, username }));
}
