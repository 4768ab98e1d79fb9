import { readFile, stat } from "node:fs/promises";
import { unavailable, type Clock, type KeyPair, type Logger } from "@teleport/plugin";
import type { PairProvider } from "./provider.js";
import { verifyPair } from "./verify-pair.js";

/** What a provider of an operator's files needs. */
export interface FilePairOptions {
  readonly keyFile: string;
  readonly certFile: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Provides the pair in two files, read afresh by each `load` and verified when it is another than before. */
export function filePairProvider({ keyFile, certFile, clock, log }: FilePairOptions): PairProvider {
  let verified: KeyPair | undefined;
  return {
    async load(): Promise<KeyPair> {
      const [keyPem, chainPem] = [await read(keyFile), await read(certFile)];
      if (verified?.keyPem === keyPem && verified.chainPem === chainPem) return verified;
      const pair = { keyPem, chainPem };
      for (const warning of verifyPair(pair, { key: keyFile, cert: certFile }, clock.now()))
        log.warn(warning);
      await warnIfReadable(keyFile, log);
      verified = pair;
      return pair;
    },
  };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT" ? "it does not exist" : code === "EACCES" ? "permission denied" : String(code);
    throw unavailable(`cannot read ${path}: ${reason}`, { cause: error });
  }
}

async function warnIfReadable(keyFile: string, log: Logger): Promise<void> {
  const { mode } = await stat(keyFile);
  if ((mode & 0o007) !== 0)
    log.warn(`the key ${keyFile} is open to every user of this host; run: chmod 600 ${keyFile}`);
}
