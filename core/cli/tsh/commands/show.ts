import type { Command } from "commander";
import { fingerprintSha256 } from "../../../pki/ssh-key.js";
import { longTime } from "../../human-time.js";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { terminalText } from "../../terminal-text.js";
import { readIdentity } from "../identity.js";

/** `tsh show`: what an identity file holds; nothing secret is printed. */
export function configure(command: Command): void {
  command
    .argument("<identity>", "identity file")
    .action((path: string) => printToStdout(describeIdentity(path)));
  withExamples(command, "tsh show alice.pem");
}

function describeIdentity(path: string): string {
  const { credentials, authorities } = readIdentity(path);
  const { certificate, rootCluster } = credentials;
  const rows: [string, string][] = [
    ["User:", credentials.user],
    ["Cluster:", rootCluster],
    ["Logins:", certificate.principals.join(", ")],
    ["Key type:", certificate.keyType],
    ["Valid after:", longTime(certificate.validAfter)],
    ["Valid until:", certificate.validBefore === null ? "forever" : longTime(certificate.validBefore)],
    ["Extensions:", [...certificate.extensions.keys()].sort().join(", ")],
    ["Trusted clusters:", authorities.ssh.map(({ cluster }) => cluster).join(", ")],
    ["Fingerprint:", fingerprintSha256(certificate.publicBlob)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(17)} ${terminalText(value)}\n`).join("");
}
