/** Who `tctl` is: the bearer of an identity file, or this host's own administrator. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { access, constants, open, readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { openIdentityStore } from "../../auth/client/identity-store.js";
import type { HostIdentity } from "../../auth/client/identity.js";
import type { ConnectAuthOptions } from "../../auth/client/connect.js";
import { accessDenied, badParameter } from "../../errors/error.js";
import { systemErrorText } from "../../errors/system-error.js";
import type { Clock } from "../../plugin/clock.js";
import { openPluginHost, runPlugin } from "../../plugin/host.js";
import { silentLogger } from "../../plugin/logger.js";
import { parseIdentityFile, type IdentityFile } from "../identity-file.js";

/** Credentials of an administrator, and the authorities that auth servers must chain to. */
export type AdminIdentity = Required<Pick<ConnectAuthOptions, "credentials" | "authorities">>;

/**
 * Reads the identity file, or without one the `Admin` identity of this host's data directory. Throws `bad_parameter`
 * where there is neither, and `access_denied` where the data directory belongs to somebody else.
 */
export async function readAdminIdentity(
  identityFile: string | undefined,
  dataDir: string,
  clock: Clock,
): Promise<AdminIdentity> {
  if (identityFile !== undefined) return fromFile(identityFile);
  const identity = await hostAdmin(dataDir, clock);
  if (!identity) {
    throw badParameter(
      "tctl must be either used on the auth server or provided with the identity file via --identity flag",
    );
  }
  return {
    credentials: { keyPem: identity.keyPem, certPem: identity.tlsCertificatePem },
    authorities: identity.tlsAuthorities,
  };
}

async function fromFile(file: string): Promise<AdminIdentity> {
  const identity = parseIdentityFile(await readPrivateFile(file), file);
  if (!keyFits(identity)) {
    throw badParameter(`${file} is damaged: its private key is not that of its certificate; make it anew`);
  }
  return {
    credentials: { keyPem: identity.keyPem, certPem: identity.tlsCertificatePem },
    authorities: identity.tlsAuthorities,
  };
}

/** Whoever can read an identity can act as its user: one that is open to all must not go unnoticed. */
async function readPrivateFile(file: string): Promise<string> {
  try {
    const handle = await open(file, "r");
    try {
      const { mode } = await handle.stat();
      if ((mode & 0o007) !== 0) {
        throw accessDenied(`the identity file ${file} is open to all users: close it by chmod 600 ${file}`);
      }
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const reason = systemErrorText(cause);
    if (reason === undefined) throw cause;
    throw badParameter(`cannot read the identity file ${file}: ${reason}`, { cause });
  }
}

function keyFits({ keyPem, tlsCertificatePem }: IdentityFile): boolean {
  try {
    return new X509Certificate(tlsCertificatePem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

async function hostAdmin(dataDir: string, clock: Clock): Promise<HostIdentity | undefined> {
  const hostId = await whereReadable(dataDir, () => readFile(path.join(dataDir, "host_uuid"), "utf8"));
  const store = path.join(dataDir, "proc");
  // Opening would create a store where there is none.
  const database = path.join(store, "sqlite.db");
  const present = await whereReadable(dataDir, async () => {
    await access(database, constants.R_OK | constants.W_OK);
    return true;
  });
  if (hostId === undefined || !present) return undefined;

  const plugins = await openPluginHost([], dataDir);
  const definition = await plugins.definition("storage", "dir");
  const running = await runPlugin(definition, definition.schema.parse({ path: store }), {
    log: silentLogger,
    clock,
    dataDir,
    hostId: hostId.trim(),
    hostname: os.hostname(),
  });
  try {
    return await openIdentityStore(running.product, hostId.trim()).read("Admin");
  } finally {
    await running.close();
  }
}

/** Undefined where the file is absent. */
async function whereReadable<T>(dataDir: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") throw cause;
    throw accessDenied(
      `the data directory ${dataDir} cannot be read: run tctl as the user that runs teleport, or use --identity`,
      { cause },
    );
  }
}
