/** Hosts of their own: network namespaces joined by a bridge-less veth pair. Needs root and iproute2. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Place } from "./daemon.js";

/** Two hosts that reach each other and nothing else. */
export interface Hosts {
  readonly first: Place;
  readonly second: Place;
  /** Cuts or mends the wire between them. */
  wire(state: "up" | "down"): void;
  remove(): void;
}

const ip = (...args: string[]): void =>
  void execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });

/** Makes two hosts. Throws where this process may not make network namespaces. */
export function createHosts(): Hosts {
  const id = randomBytes(3).toString("hex");
  const names = [`tp-${id}-a`, `tp-${id}-b`] as const;
  const links = [`v${id}a`, `v${id}b`] as const;
  const addresses = ["10.87.0.1", "10.87.0.2"] as const;
  for (const name of names) ip("netns", "add", name);
  ip("link", "add", links[0], "netns", names[0], "type", "veth", "peer", "name", links[1], "netns", names[1]);
  names.forEach((name, i) => {
    ip("-n", name, "addr", "add", `${addresses[i]}/24`, "dev", links[i]!);
    ip("-n", name, "link", "set", links[i]!, "up");
    ip("-n", name, "link", "set", "lo", "up");
  });
  const place = (i: 0 | 1): Place => ({ address: addresses[i], enter: ["ip", "netns", "exec", names[i]] });
  return {
    first: place(0),
    second: place(1),
    wire: (state) => ip("-n", names[1], "link", "set", links[1], state),
    remove: () => names.forEach((name) => ip("netns", "del", name)),
  };
}
