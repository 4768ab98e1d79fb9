import { EXTENSION_KEYS } from "../grammar/extension-keys.js";

/** What stands for a part of a key that varies: a name, an id, a secret. */
const VARIES = "*";

/** The fixed parts of the layout in keys.ts, level by level. Below what is not here everything varies. */
interface Level {
  readonly [segment: string]: Level;
}

const LEAF: Level = {};
const ANY_WITH = (below: Level): Level => ({ [VARIES]: below });

const CONNECTORS: Level = { connectors: LEAF };

const LAYOUT: Level = {
  ".locks": LEAF,
  "cluster_configuration": { name: LEAF, general: LEAF, static_tokens: LEAF },
  "authentication": { preference: { general: LEAF } },
  "authorities": { host: LEAF, user: LEAF },
  "namespaces": ANY_WITH({ params: LEAF, sessions: { active: LEAF } }),
  "roles": ANY_WITH({ params: LEAF }),
  "web": {
    users: ANY_WITH({
      params: LEAF,
      pwd: LEAF,
      totp: LEAF,
      hotp: LEAF,
      used_totp: LEAF,
      totp_step: LEAF,
      u2fregistration: LEAF,
      u2fregistrationcounter: LEAF,
      attempts: LEAF,
      sessions: LEAF,
    }),
    connectors: { github: CONNECTORS, oidc: CONNECTORS, saml: CONNECTORS },
  },
  "trustedclusters": LEAF,
  "remoteClusters": LEAF,
  "access_requests": ANY_WITH({ params: LEAF }),
  "tokens": LEAF,
  "addusertokens": LEAF,
  "nodes": LEAF,
  "proxies": LEAF,
  "authservers": LEAF,
  "reverseTunnels": LEAF,
  "tunnelConnections": LEAF,
  // Kinds of ours: the first part is a word of the program, the rest is not.
  [EXTENSION_KEYS.slice(1)]: {},
};

/**
 * What of a key may be logged and counted by: its fixed parts, with `*` for names, ids and secrets, such as
 * `/web/users/*\/sessions/*`. What is no known key is `*` from there on.
 */
export function keyShape(key: string): string {
  const parts = key.split("/");
  let level: Level = LAYOUT;
  return parts
    .map((part, index) => {
      if (part === "" && (index === 0 || index === parts.length - 1)) return part;
      const isOurs = index === 2 && parts[0] === "" && `/${parts[1]}` === EXTENSION_KEYS;
      if (isOurs && /^[a-z_]{1,32}$/.test(part)) {
        level = LEAF;
        return part;
      }
      const known = Object.hasOwn(level, part);
      level = (known ? level[part] : level[VARIES]) ?? LEAF;
      return known && part !== VARIES ? part : VARIES;
    })
    .join("/");
}
