/** The certificate authorities that proxies' web certificates are checked against. */
import { readdirSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { unlessMissing } from "./atomic-file.js";

/** Where systems keep their trusted authorities; the first that exists is taken. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** The self-signed certificate of a proxy on this machine. */
const LOCAL_PROXY_CERTIFICATE = "/var/lib/teleport/webproxy_cert.pem";

/**
 * PEM of the trusted authorities: those of `SSL_CERT_FILE` and `SSL_CERT_DIR` where either is set, else the system's,
 * else the ones Node carries. A loopback host may also present the certificate of the local proxy.
 */
export function trustedWebAuthorities(host: string, env: NodeJS.ProcessEnv = process.env): string[] {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: directory } = env;
  const chosen = file || directory ? [...fromFile(file), ...fromDirectories(directory)] : fromSystem();
  return isLoopback(host) ? [...chosen, ...readable(LOCAL_PROXY_CERTIFICATE)] : chosen;
}

function fromFile(path: string | undefined): string[] {
  return path ? [readFileSync(path, "utf8")] : [];
}

function fromDirectories(list: string | undefined): string[] {
  return (list ?? "")
    .split(":")
    .filter((directory) => directory !== "")
    .flatMap((directory) => readdirSync(directory).flatMap((name) => readable(join(directory, name))));
}

function fromSystem(): string[] {
  for (const path of SYSTEM_BUNDLES) {
    const pem = unlessMissing(() => readFileSync(path, "utf8"));
    if (pem !== undefined) return [pem];
  }
  return [...rootCertificates];
}

/** The file's text, or nothing where it is missing, unreadable to this user, or a folder. */
function readable(path: string): string[] {
  try {
    const text = readFileSync(path, "utf8");
    return text.includes("-----BEGIN CERTIFICATE-----") ? [text] : [];
  } catch {
    return [];
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
