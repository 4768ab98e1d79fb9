import { errorChain } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Storage } from "../plugin/storage.js";
import type { TrustedAuthority } from "./api/peer.js";
import { fromBase64 } from "./base64.js";
import type { Stores } from "./stores.js";
import { watchKinds } from "./watch.js";

const RETRY_MS = 1000;

/** The TLS authorities of this and of trusted clusters, readable at every handshake. */
export interface TrustedAuthorities {
  current(): readonly TrustedAuthority[];
}

/** A copy of the stored authorities that follows their changes. */
export function createTrustedAuthorities(context: {
  readonly storage: Storage;
  readonly stores: Stores;
  readonly clock: Clock;
  readonly log: Logger;
}): TrustedAuthorities & { start(): Promise<void>; close(): Promise<void> } {
  const { storage, stores, clock, log } = context;
  const stop = new AbortController();
  let known: readonly TrustedAuthority[] = [];
  let following: Promise<void> = Promise.resolve();

  const refill = async (): Promise<void> => {
    const all = [...(await stores.authorities.list("host")), ...(await stores.authorities.list("user"))];
    known = all.flatMap(({ spec }) =>
      (spec.tls_key_pairs ?? []).flatMap(({ cert }) =>
        cert === undefined
          ? []
          : [{ cluster: spec.cluster_name, type: spec.type, certPem: fromBase64(cert) }],
      ),
    );
  };
  const follow = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        // Every event, `init` too, is answered by a fresh read: there are only ever a few authorities.
        for await (const _event of watchKinds(storage, [{ kind: "cert_authority" }], stop.signal)) {
          await refill();
        }
      } catch (error) {
        log.warn("the trusted authorities cannot be refreshed; trying again", { error: errorChain(error) });
      }
      await clock.sleep(RETRY_MS, stop.signal).catch(() => undefined);
    }
  };
  return {
    current: () => known,
    async start() {
      await refill();
      following = follow();
    },
    async close() {
      stop.abort();
      await following;
    },
  };
}
