/** `tctl`: administration of a cluster. */
import type { ProgramOptions } from "../program.js";
import { addGlobalFlags } from "./global-flags.js";

/** Kinds of resources as `get` and `rm` name them: a constant, so that help does not load all of them. */
const KIND_NAMES = [
  ...["user", "role", "lock", "token", "node", "proxy", "auth_server", "cert_authority", "namespace"],
  ...["cluster_name", "cluster_config", "cluster_auth_preference"],
];

/** The table of commands. */
export const tctlProgram: ProgramOptions = {
  name: "tctl",
  summary: "Administration of a Teleport cluster.",
  globals: addGlobalFlags,
  commands: [
    { name: "status", summary: "show the state of the cluster", load: () => import("./status.js") },
    {
      name: "users",
      summary: "manage users",
      commands: [
        { name: "add", summary: "invite a user", load: () => import("./users-add.js") },
        { name: "update", summary: "change a user", load: () => import("./users-update.js") },
        { name: "ls", summary: "list users", load: () => import("./users-ls.js") },
        { name: "rm", aliases: ["del"], summary: "delete users", load: () => import("./users-rm.js") },
      ],
    },
    {
      name: "nodes",
      summary: "manage nodes",
      commands: [
        {
          name: "add",
          summary: "make a token for a node to join with",
          load: () => import("./nodes-add.js"),
        },
        { name: "ls", summary: "list nodes", load: () => import("./nodes-ls.js") },
      ],
    },
    {
      name: "tokens",
      summary: "manage join tokens",
      commands: [
        { name: "add", summary: "make a join token", load: () => import("./tokens-add.js") },
        { name: "ls", summary: "list join tokens and invites", load: () => import("./tokens-ls.js") },
        {
          name: "rm",
          aliases: ["del"],
          summary: "delete a join token or an invite",
          load: () => import("./tokens-rm.js"),
        },
      ],
    },
    {
      name: "auth",
      summary: "export certificate authorities, and sign certificates",
      commands: [
        {
          name: "export",
          summary: "print the cluster's certificate authorities",
          load: () => import("./auth-export.js"),
        },
        {
          name: "sign",
          summary: "make an identity for a user, or a host certificate",
          load: () => import("./auth-sign.js"),
        },
      ],
    },
    { name: "get", summary: "print resources", load: () => import("./get.js"), completes: KIND_NAMES },
    { name: "create", summary: "create resources from a file", load: () => import("./create.js") },
    {
      name: "rm",
      aliases: ["del"],
      summary: "delete a resource",
      load: () => import("./rm.js"),
      completes: KIND_NAMES,
    },
    { name: "lock", summary: "lock out a user, a role, a login or a node", load: () => import("./lock.js") },
    {
      name: "sessions",
      summary: "show and end live sessions",
      commands: [
        { name: "ls", summary: "list live sessions", load: () => import("./sessions-ls.js") },
        {
          name: "terminate",
          summary: "end a live session",
          load: () => import("./sessions-terminate.js"),
        },
      ],
    },
    {
      name: "access",
      summary: "show who may log in where, and why",
      commands: [
        {
          name: "explain",
          summary: "say why a user may or may not log in at a node, and what would have to change",
          load: () => import("./access-explain.js"),
        },
        { name: "ls", summary: "list who may log in where", load: () => import("./access-ls.js") },
      ],
    },
    {
      name: "storage",
      summary: "look after the cluster's storage",
      commands: [
        {
          name: "status",
          summary: "show where the cluster is kept, and what moves",
          load: () => import("./storage-status.js"),
        },
        {
          name: "migrate",
          summary: "move the cluster to another storage while it serves",
          load: () => import("./storage-migrate.js"),
        },
        {
          name: "abort",
          summary: "end a move that is under way: the cluster stays where it is",
          load: () => import("./storage-abort.js"),
        },
        {
          name: "verify",
          summary: "read every item, and compare with another storage",
          load: () => import("./storage-verify.js"),
        },
        {
          name: "bench",
          summary: "measure how fast the storage is, from the auth server",
          load: () => import("./storage-bench.js"),
        },
      ],
    },
    { name: "top", summary: "show what a daemon is doing", load: () => import("./top.js") },
    { name: "version", summary: "print the version", load: () => import("../version.js") },
  ],
  examples: [
    "  tctl users add alice root,admin                  # invite alice, who may log in as root or admin",
    "  tctl nodes add                                   # a token, and the command that joins a node",
    "  tctl auth export --type=host >> ~/.ssh/known_hosts",
    "  tctl get roles --format=text",
  ].join("\n"),
};
