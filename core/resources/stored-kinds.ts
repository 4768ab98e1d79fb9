/** What lies under which key: for those who look at a whole store, whatever is in it. */
import { EXTENSION_KEYS } from "../grammar/extension-keys.js";
import { authorityCodec } from "./authority-codec.js";
import {
  authPreferenceCodec,
  clusterConfigCodec,
  clusterNameCodec,
  namespaceCodec,
  staticTokensCodec,
} from "./cluster-codec.js";
import { corrupt } from "../errors/error.js";
import { keptCodec } from "./kept-codec.js";
import { KEPT_KINDS } from "./kept.js";
import { keys } from "./keys.js";
import { keyShape } from "./key-shape.js";
import { lockCodec } from "./lock-codec.js";
import { roleCodec } from "./role-codec.js";
import { serverCodec } from "./server-codec.js";
import { liveSessionCodec, webSessionCodec } from "./session-codec.js";
import { signupTokenCodec } from "./signup-token.js";
import { tokenCodec } from "./token-codec.js";
import { userCodec } from "./user-codec.js";

/** The items of one kind. */
export interface StoredKind {
  readonly name: string;
  /** Whether the key may be shown whole: no part of it is a secret. */
  readonly showsKey: boolean;
  /** Reads an item as its users do. Throws `corrupt`. */
  decode(key: string, value: Uint8Array): unknown;
}

const json = (what: string) => ({
  decode(key: string, value: Uint8Array): unknown {
    try {
      return JSON.parse(Buffer.from(value).toString("utf8")) as unknown;
    } catch {
      // The parser's own message quotes the text, which may be a secret.
      throw corrupt(`the stored ${what} under ${key} cannot be read: it is not JSON`);
    }
  },
});
const text = (what: string) => ({
  decode(key: string, value: Uint8Array): unknown {
    if (value.length === 0) throw corrupt(`the stored ${what} under ${key} is empty`);
    return value;
  },
});
const NAME = "[^/]+";
const own = (rest: string): string => `${EXTENSION_KEYS}/${rest}`;

type Decoder = Pick<StoredKind, "decode">;
const open = (name: string, pattern: string, decoder: Decoder): [RegExp, StoredKind] => [
  new RegExp(`^${pattern}$`),
  { name, showsKey: true, decode: (key, value) => decoder.decode(key, value) },
];
const secret = (name: string, pattern: string, decoder: Decoder): [RegExp, StoredKind] => {
  const [regExp, kind] = open(name, pattern, decoder);
  return [regExp, { ...kind, showsKey: false }];
};

/** Kinds that are only kept. An id of an access request is told to its user only, but it opens nothing. */
const KEPT: readonly (readonly [RegExp, StoredKind])[] = KEPT_KINDS.map((kind) => {
  const place = keys.keptOf(kind);
  return open(
    kind,
    kind === "access_request" ? `${place}${NAME}/params` : `${place}${NAME}`,
    keptCodec(kind),
  );
});

/** The first that fits counts. */
const KINDS: readonly (readonly [RegExp, StoredKind])[] = [
  open("cluster_name", "/cluster_configuration/name", clusterNameCodec),
  open("cluster_config", "/cluster_configuration/general", clusterConfigCodec),
  open("static_tokens", "/cluster_configuration/static_tokens", staticTokensCodec),
  open("cluster_auth_preference", "/authentication/preference/general", authPreferenceCodec),
  open("cert_authority", `/authorities/(host|user)/${NAME}`, authorityCodec),
  open("namespace", `/namespaces/${NAME}/params`, namespaceCodec),
  open("session", `/namespaces/${NAME}/sessions/active/${NAME}`, liveSessionCodec),
  open("role", `/roles/${NAME}/params`, roleCodec),
  open("user", `/web/users/${NAME}/params`, userCodec),
  open("password", `/web/users/${NAME}/pwd`, text("password hash")),
  open("totp", `/web/users/${NAME}/totp`, text("TOTP secret")),
  open("login_attempt", `/web/users/${NAME}/attempts/${NAME}`, json("login attempt")),
  secret("web_session", `/web/users/${NAME}/sessions/.+`, webSessionCodec),
  open("credential", `/web/users/${NAME}/.+`, text("credential")),
  secret("token", `/tokens/${NAME}`, tokenCodec),
  secret("token", own(`single_use_tokens/${NAME}`), tokenCodec),
  secret("invite", `/addusertokens/${NAME}`, signupTokenCodec),
  open("node", `/nodes/${NAME}/${NAME}`, serverCodec("node")),
  open("proxy", `/proxies/${NAME}`, serverCodec("proxy")),
  open("auth_server", `/authservers/${NAME}`, serverCodec("auth_server")),
  ...KEPT,
  open("lock", own(`locks/${NAME}`), lockCodec),
];

/** Of what no table knows the form is not known, and its key might hold a secret. */
const OTHER: StoredKind = { name: "other", showsKey: false, decode: (_key, value) => value };

/** The kind of item that a key is for. */
export function storedKind(key: string): StoredKind {
  return KINDS.find(([pattern]) => pattern.test(key))?.[1] ?? OTHER;
}

/** A key as it may be shown: whole, or without the parts that may be secret. */
export function shownKey(key: string): string {
  return storedKind(key).showsKey ? key : keyShape(key);
}
