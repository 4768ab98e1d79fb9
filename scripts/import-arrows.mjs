/**
 * Who may import whom: the arrows of the architecture as lint rules. A room is a folder of core/; what is not listed is
 * not allowed. Types of `resources` may be imported everywhere: they are the shapes the API speaks.
 */

/** Rooms at the bottom: everybody may import them. */
const GROUND = ["errors", "grammar", "http", "document"];

/** Each room, and the rooms it may import besides the ground. */
const ARROWS = {
  "errors": [],
  "grammar": [],
  "http": [],
  "document": [],
  "pki": [],
  "access": ["pki"],
  "di": [],
  "plugin": ["di"],
  // The kit tries the product's own locks over the storage under test.
  "plugin/kit": ["plugin", "di", "storage"],
  "config": ["plugin", "di"],
  "storage": ["plugin", "pki"],
  "resources": ["plugin", "pki", "storage"],
  "audit": ["plugin", "pki"],
  "recording": ["plugin", "pki"],
  "ssh": ["plugin", "pki"],
  "auth/client": ["plugin", "pki"],
  "auth": ["auth/client", "resources", "access", "pki", "audit", "recording", "storage", "plugin"],
  "session": ["auth/client", "ssh", "access", "pki", "audit", "recording", "plugin"],
  "node": ["session", "auth/client", "ssh", "access", "pki", "audit", "recording", "plugin"],
  "proxy": ["session", "auth/client", "ssh", "access", "pki", "audit", "recording", "plugin"],
  "process": [
    ...["config", "di", "plugin", "auth", "auth/client", "proxy", "node", "audit", "storage"],
    ...["recording", "pki", "ssh", "resources", "session", "plugin/kit"],
  ],
  "cli/teleport": ["process", "config", "auth/client", "plugin", "plugin/kit", "cli"],
  "cli/tctl": ["auth/client", "access", "config", "ssh", "pki", "recording", "resources", "plugin", "cli"],
  "cli/tsh": ["auth/client", "config", "ssh", "pki", "recording", "plugin", "cli"],
  "cli": ["plugin"],
  "bin": ["cli", "cli/teleport", "cli/tctl", "cli/tsh"],
};

/** The ESLint configurations that hold the arrows. */
export function importArrows() {
  const rooms = Object.keys(ARROWS);
  return [
    ...rooms.map((room) => ({
      files: [`core/${room}/**/*.ts`],
      ignores: rooms.filter((other) => other.startsWith(`${room}/`)).map((other) => `core/${other}/**`),
      rules: { "@typescript-eslint/no-restricted-imports": ["error", { patterns: patternsFor(room) }] },
    })),
    {
      files: ["plugins/**/*.ts"],
      rules: {
        "@typescript-eslint/no-restricted-imports": [
          "error",
          {
            patterns: [
              {
                regex: "^(\\.\\./)+(core|plugins|[a-z-]+/)",
                message: "plugins import only @teleport/plugin",
              },
            ],
          },
        ],
      },
    },
  ];
}

function patternsFor(room) {
  const allowed = new Set([room, ...GROUND, ...ARROWS[room]]);
  const forbidden = Object.keys(ARROWS).filter((other) => !allowed.has(other) && other !== parentOf(room));
  const up = (target) => `^(\\.\\./)+${target}/${insideOnly(target, allowed)}`;
  return [
    ...forbidden.map((other) => ({
      regex: up(other),
      message: `${room} may not import ${other}; see scripts/import-arrows.mjs`,
      allowTypeImports: other === "resources",
    })),
    // A room inside another one reaches its parent's files by one step up.
    ...(parentOf(room) && !allowed.has(parentOf(room))
      ? [
          {
            regex: "^\\.\\./[^.]",
            message: `${room} may not import ${parentOf(room)}; see scripts/import-arrows.mjs`,
          },
        ]
      : []),
    ...(room === "ssh" ? [] : [{ regex: "^ssh2(/|$)", message: "only core/ssh knows ssh2" }]),
  ];
}

/** Where an inner room is allowed though its parent is not, only the parent's own files are forbidden. */
function insideOnly(target, allowed) {
  const inner = [...allowed]
    .filter((room) => room.startsWith(`${target}/`))
    .map((room) => room.slice(target.length + 1));
  return inner.length > 0 ? `(?!${inner.join("|")}/)` : "";
}

function parentOf(room) {
  return room.includes("/") ? room.slice(0, room.indexOf("/")) : undefined;
}
