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

/** Provides the pair in two files, read afresh by each `load`. Warnings are logged once for each pair. */
export function filePairProvider({ keyFile, certFile, clock, log }: FilePairOptions): PairProvider {
  let reported: string | undefined;
  return {
    async load(): Promise<KeyPair> {
      const [keyPem, chainPem] = [await read(keyFile), await read(certFile)];
      const pair = { keyPem, chainPem };
      const { leaf, warnings } = verifyPair(pair, { key: keyFile, cert: certFile }, clock.now());
      if (reported !== leaf.fingerprint256) {
        reported = leaf.fingerprint256;
        for (const warning of warnings) log.warn(warning);
        await warnIfReadable(keyFile, log);
      }
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
