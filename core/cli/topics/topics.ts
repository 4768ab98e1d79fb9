/** Help on what no single command explains: `tctl help roles`. The same topics in all three programs. */

/** A topic. */
export interface Topic {
  readonly name: string;
  readonly summary: string;
  load(): Promise<{ readonly text: string }>;
}

/** All topics. */
export const TOPICS: readonly Topic[] = [
  { name: "roles", summary: "what roles allow and deny", load: () => import("./roles.js") },
  { name: "locks", summary: "locking users and sessions out at once", load: () => import("./locks.js") },
  {
    name: "labels",
    summary: "labels of nodes, and picking nodes by them",
    load: () => import("./labels.js"),
  },
  { name: "recording", summary: "where sessions are recorded", load: () => import("./recording.js") },
  { name: "openssh", summary: "stock ssh, scp, sshd and Ansible", load: () => import("./openssh.js") },
  { name: "identity", summary: "identity files for scripts and CI", load: () => import("./identity.js") },
  { name: "environment", summary: "environment variables", load: () => import("./environment.js") },
  { name: "exit-codes", summary: "exit codes of the programs", load: () => import("./exit-codes.js") },
];

/** The topic of a name. */
export function topicOf(name: string): Topic | undefined {
  return TOPICS.find((topic) => topic.name === name);
}

/** The list of topics, for the end of a program's help. */
export function topicList(program: string): string {
  const width = Math.max(...TOPICS.map(({ name }) => name.length));
  const lines = TOPICS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `\nTopics, see '${program} help <topic>':\n${lines.join("\n")}`;
}
