/** Heartbeats: who is there, and until when. */
import { badParameter } from "../errors/error.js";
import { hostOf } from "../grammar/address.js";
import type { Clock } from "../plugin/clock.js";
import type { PresenceStore, ServerStore } from "../resources/presence.js";
import { formatTime, optionalTime } from "../resources/rfc3339.js";
import { serverCodec } from "../resources/server-codec.js";
import type { Server } from "../resources/server.js";
import { requirePrintable } from "./printable.js";
import type { KeepAlive } from "./client/api.js";

/** How long a heartbeat lives. */
export const HEARTBEAT_TTL_MS = 600_000;
/** No host can announce itself for longer than this. */
const MAX_TTL_MS = 3_600_000;

/** Takes heartbeats. */
export interface Presence {
  announceNode(server: Server, remoteAddress: string): Promise<KeepAlive>;
  announceProxy(server: Server, remoteAddress: string): Promise<void>;
  announceAuthServer(server: Server): Promise<void>;
  /** Throws `not_found` where the node has to announce itself anew. */
  keepNodeAlive(keepAlive: KeepAlive): Promise<void>;
}

/** Presence kept in a store. */
export function createPresence(store: PresenceStore, clock: Clock): Presence {
  const announce = async (
    kind: Server["kind"],
    target: ServerStore,
    input: Server,
    remoteAddress: string,
  ): Promise<Server> => {
    const server = withPrintableResults(serverCodec(kind).checkLenient(input));
    requirePrintableNames(server);
    const announced: Server = {
      ...server,
      metadata: {
        ...server.metadata,
        expires: formatTime(boundedExpiry(optionalTime(server.metadata.expires), clock.now())),
      },
      spec: { ...server.spec, addr: reachableAddress(server.spec.addr, remoteAddress) },
    };
    await target.put(announced);
    return announced;
  };
  return {
    async announceNode(server, remoteAddress) {
      const { metadata } = await announce("node", store.nodes("default"), server, remoteAddress);
      return { serverName: metadata.name, namespace: "default", leaseId: 0 };
    },
    announceProxy: async (server, remoteAddress) =>
      void (await announce("proxy", store.proxies, server, remoteAddress)),
    announceAuthServer: async (server) => void (await announce("auth_server", store.authServers, server, "")),
    async keepNodeAlive({ serverName, namespace, expires }) {
      if (namespace !== "" && namespace !== "default") {
        throw badParameter(`there is no namespace ${JSON.stringify(namespace)}`);
      }
      await store.nodes("default").keepAlive(serverName, boundedExpiry(expires, clock.now()));
    },
  };
}

function requirePrintableNames({ metadata, spec }: Server): void {
  requirePrintable("the host name", spec.hostname);
  requirePrintable("the address", spec.addr);
  for (const address of [spec.public_addr ?? "", ...(spec.public_addrs ?? [])]) {
    requirePrintable("the public address", address);
  }
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    requirePrintable(`the label ${key}`, value);
  }
  for (const key of Object.keys(spec.cmd_labels ?? {})) {
    requirePrintable("the name of a label", key);
  }
}

/** What a label's command prints is in nobody's hand: it must not keep a host from announcing itself. */
function withPrintableResults(server: Server): Server {
  const { cmd_labels: labels } = server.spec;
  if (labels === undefined) {
    return server;
  }
  const printable = Object.entries(labels).map(
    ([key, label]) => [key, { ...label, result: label.result.replace(/\p{Cc}/gu, " ") }] as const,
  );
  return { ...server, spec: { ...server.spec, cmd_labels: Object.fromEntries(printable) } };
}

function boundedExpiry(asked: Date | undefined, now: Date): Date {
  const latest = now.getTime() + MAX_TTL_MS;
  return new Date(Math.min(asked?.getTime() ?? now.getTime() + HEARTBEAT_TTL_MS, latest));
}

/** A host that listens everywhere is reachable where it called from. */
function reachableAddress(address: string, remoteAddress: string): string {
  const match = /^(0\.0\.0\.0|\[::\]|::)?:(\d+)$/.exec(address);
  const host = hostOf(remoteAddress);
  if (match === null || host === "") {
    return address;
  }
  return `${host.includes(":") ? `[${host}]` : host}:${match[2]}`;
}
