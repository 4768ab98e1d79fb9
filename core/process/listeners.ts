import type { Settings } from "../config/settings.js";
import { internal } from "../errors/error.js";
import type { Address } from "../grammar/address.js";
import { bind, type Listener } from "./listener.js";

/** The listeners that a daemon may have; names are those of features.md §11.2. */
export type ListenerName = "auth" | "node" | "proxy:ssh" | "proxy:web" | "diag";

/** All listeners of a daemon, bound. */
export interface Listeners {
  get(name: ListenerName): Listener;
  close(): Promise<void>;
}

/**
 * Binds every address that the settings name, before any service starts: a busy port stops the start at once.
 * Throws `unavailable`, with nothing left bound.
 */
export async function openListeners(settings: Settings): Promise<Listeners> {
  const open = new Map<ListenerName, Listener>();
  const close = async (): Promise<void> => {
    await Promise.all([...open.values()].map((listener) => listener.close()));
  };
  try {
    for (const [name, address] of wanted(settings)) open.set(name, await bind(address));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    get(name) {
      const listener = open.get(name);
      if (!listener) throw internal(`the listener ${name} was not opened`);
      return listener;
    },
    close,
  };
}

function wanted(settings: Settings): [ListenerName, Address][] {
  const all: [ListenerName, Address | undefined][] = [
    ["auth", settings.auth?.listenAddr],
    ["proxy:ssh", settings.proxy?.listenAddr],
    ["proxy:web", settings.proxy?.webListenAddr],
    ["node", settings.node?.listenAddr],
    ["diag", settings.diagAddr],
  ];
  return all.flatMap(([name, address]) => (address ? [[name, address] as [ListenerName, Address]] : []));
}
