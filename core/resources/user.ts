import type { Resource } from "./envelope.js";

/** Trait name to values, as certificates and roles use them; 4.2 writes `null` for an empty one. */
export type Traits = Record<string, string[] | null>;

/** Whether a user is locked, and until when. Locked means `is_locked` and `lock_expires` in the future. */
export interface LoginStatus {
  is_locked: boolean;
  locked_message?: string;
  locked_time: string;
  lock_expires: string;
}

/** Credentials of a local user, only in exports with secrets. */
export interface LocalAuthSecrets {
  /** Base64 of the bcrypt text. */
  password_hash?: string;
  totp_key?: string;
  u2f_registration?: U2fRegistration;
  u2f_counter?: number;
}

/** A U2F device, which is kept and exported, but not yet asked at logins. Values are base64. */
export interface U2fRegistration {
  raw: string;
  key_handle: string;
  /** DER of a SubjectPublicKeyInfo. */
  pubkey: string;
}

/** A user (features.md §6.1). */
export type User = Resource<
  "user",
  {
    roles: string[];
    traits?: Traits;
    oidc_identities?: { connector_id: string; username: string }[];
    saml_identities?: { connector_id: string; username: string }[];
    github_identities?: { connector_id: string; username: string }[];
    status: LoginStatus;
    expires: string;
    created_by: {
      connector?: { type: string; id: string; identity: string };
      time: string;
      user: { name: string };
    };
    local_auth?: LocalAuthSecrets;
  }
>;
