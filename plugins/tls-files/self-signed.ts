import { chmod, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { hasCode, unavailable, type Clock, type KeyPair, type Logger } from "@teleport/plugin";
import { createSelfSignedPair } from "./certificate.js";
import type { PairProvider } from "./provider.js";
import { verifyPair } from "./verify-pair.js";

/** What the self-signed provider needs. */
export interface SelfSignedOptions {
  /** Holds `webproxy_key.pem` and `webproxy_cert.pem`, both 0600. Must exist. */
  readonly dataDir: string;
  /** A name of the certificate, besides localhost and the loopback addresses. */
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A certificate this near to its end is replaced. */
const RENEW_BEFORE_MS = 30 * 24 * 3600 * 1000;

/** Provides a certificate of our own making, kept in the data directory and renewed in time. */
export function selfSignedProvider(options: SelfSignedOptions): PairProvider {
  const { dataDir, hostname, clock, log } = options;
  const names = { key: join(dataDir, "webproxy_key.pem"), cert: join(dataDir, "webproxy_cert.pem") };

  /** The stored pair; undefined where there is none that is good for a while. */
  const stored = async (): Promise<KeyPair | undefined> => {
    const keyPem = await readIfExists(names.key);
    const chainPem = await readIfExists(names.cert);
    if (keyPem === undefined || chainPem === undefined) return undefined;
    if (((await stat(names.key)).mode & 0o077) !== 0) await chmod(names.key, 0o600);
    const pair = { keyPem, chainPem };
    try {
      verifyPair(pair, names, new Date(clock.now().getTime() + RENEW_BEFORE_MS));
      return pair;
    } catch (error) {
      if (!hasCode(error, "config")) throw error;
      log.info("making a new self-signed certificate in place of the stored one", {
        reason: (error as Error).message,
      });
      return undefined;
    }
  };

  return {
    async load(): Promise<KeyPair> {
      const existing = await stored();
      if (existing !== undefined) return existing;
      const pair = await createSelfSignedPair(hostname, clock.now());
      // A crash in between leaves two that do not match: the next load replaces both.
      await writePrivate(names.key, pair.keyPem);
      await writePrivate(names.cert, pair.chainPem);
      log.warn(
        "the proxy uses a self-signed certificate; set https_key_file and https_cert_file for a trusted one",
        {
          cert: names.cert,
        },
      );
      return pair;
    },
  };
}

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unavailable(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`, { cause: error });
  }
}

async function writePrivate(path: string, content: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await rm(partial, { force: true });
    const file = await open(partial, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw unavailable(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code}`, { cause: error });
  }
}
