/** A login as a file of its own, for machines and scripts: `tsh login --out`. */
import { writeFileAtomically } from "./atomic-file.js";
import { formatIdentity } from "./identity.js";
import type { NewLogin } from "./login-flow.js";

/** `file` is one identity file; `openssh` a private key with a certificate beside it. */
export type LoginFormat = "file" | "openssh";

const PRIVATE = 0o600;

/** Writes a login; files of that name are replaced. */
export function writeLogin(path: string, format: LoginFormat, { key, authorities }: NewLogin): void {
  if (format === "file") {
    writeFileAtomically(path, formatIdentity(key, authorities), PRIVATE);
    return;
  }
  writeFileAtomically(path, key.privateKeyPem, PRIVATE);
  writeFileAtomically(`${path}-cert.pub`, key.certificateLine, PRIVATE);
}
