import { create } from "@bufbuild/protobuf";
import type { Traits, U2fRegistration, User } from "../../../resources/user.js";
import {
  UserV2Schema,
  type ExternalIdentity,
  type U2FRegistrationData,
  type UserV2,
} from "./gen/services_pb.js";
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
          passwordHash: toBytes(spec.local_auth.password_hash ?? ""),
          totpKey: spec.local_auth.totp_key ?? "",
          ...(spec.local_auth.u2f_registration && {
            u2fRegistration: toU2fRegistration(spec.local_auth.u2f_registration),
          }),
          u2fCounter: spec.local_auth.u2f_counter ?? 0,
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
            password_hash: toBase64(spec.localAuth.passwordHash),
          }),
          ...(spec.localAuth.totpKey && { totp_key: spec.localAuth.totpKey }),
          ...(spec.localAuth.u2fRegistration && {
            u2f_registration: fromU2fRegistration(spec.localAuth.u2fRegistration),
          }),
          ...(spec.localAuth.u2fCounter > 0 && { u2f_counter: spec.localAuth.u2fCounter }),
        },
      }),
    },
  };
}

function toU2fRegistration({ raw, key_handle, pubkey }: U2fRegistration) {
  return { raw: toBytes(raw), keyHandle: toBytes(key_handle), pubKey: toBytes(pubkey) };
}

function fromU2fRegistration({ raw, keyHandle, pubKey }: U2FRegistrationData): U2fRegistration {
  return { raw: toBase64(raw), key_handle: toBase64(keyHandle), pubkey: toBase64(pubKey) };
}

const toBytes = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(base64, "base64"));
const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

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
