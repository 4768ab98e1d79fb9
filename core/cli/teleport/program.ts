/** `teleport`: the daemon and what belongs to it. */
import type { ProgramOptions } from "../program.js";

/** The table of commands. */
export const teleportProgram: ProgramOptions = {
  name: "teleport",
  summary: "SSH certificate authority, bastion and node in one daemon.",
  commands: [
    { name: "start", summary: "run the services", load: () => import("./start.js") },
    {
      name: "reload",
      summary: "apply a changed configuration to the running daemon",
      load: () => import("./reload.js"),
    },
    {
      name: "status",
      summary: "show the SSH session that this shell runs in",
      load: () => import("./status.js"),
    },
    {
      name: "configure",
      summary: "print a sample configuration, or check one",
      load: () => import("./configure.js"),
    },
    {
      name: "plugin",
      summary: "tools for authors of plugins",
      commands: [
        {
          name: "test",
          summary: "prove that a storage plugin keeps the contract",
          load: () => import("./plugin-test.js"),
        },
      ],
    },
    { name: "version", summary: "print the version", load: () => import("../version.js") },
  ],
  examples: [
    "  teleport start                                   # auth, proxy and node on this machine",
    "  teleport start --roles=node --token=TOKEN --auth-server=auth.example.com",
    "  teleport reload --dry-run                        # what a changed /etc/teleport.yaml would do",
    "  teleport configure > /etc/teleport.yaml",
    "  teleport configure --test /etc/teleport.yaml",
  ].join("\n"),
};
