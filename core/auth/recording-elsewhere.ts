import { errorMessage, hasCode, notFound } from "../errors/error.js";
import type { ServerStore } from "../resources/presence.js";

/**
 * For `catch`: where a recording is not found and the cluster has other auth servers, says that one of them may have it,
 * since recordings in files lie where they were taken. Passes on any other error.
 */
export function maybeElsewhere(
  authServers: Pick<ServerStore, "list">,
  hostId: string,
): (error: unknown) => Promise<never> {
  return async (error) => {
    if (!hasCode(error, "not_found")) throw error;
    const others = (await authServers.list().catch(() => []))
      .filter(({ metadata }) => metadata.name !== hostId)
      .map(({ spec }) => `${spec.hostname} (${spec.addr})`);
    if (others.length === 0) throw error;
    throw notFound(
      `${errorMessage(error)} at this auth server; recordings kept in files lie where they were taken, so ask ${others.join(" or ")}`,
      { cause: error },
    );
  };
}
