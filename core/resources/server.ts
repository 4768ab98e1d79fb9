import type { Rotation } from "./authority.js";
import type { Resource } from "./envelope.js";

/** A label whose value is the output of a command. */
export interface CommandLabel {
  /** Go duration text. */
  period: string;
  command: string[];
  result: string;
}

/** A heartbeat of a node, proxy or auth server (wire.md §6.4). `metadata.name` is the host UUID. */
export type Server = Resource<
  "node" | "proxy" | "auth_server",
  {
    addr: string;
    public_addr?: string;
    /** All public addresses, where there is more than the first. Ours: 4.2 drops it. */
    public_addrs?: string[];
    hostname: string;
    cmd_labels?: Record<string, CommandLabel>;
    rotation?: Rotation;
    use_tunnel?: boolean;
  }
>;
