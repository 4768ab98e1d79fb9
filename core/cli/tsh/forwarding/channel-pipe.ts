import type { Duplex } from "node:stream";
import type { SshChannel } from "../../../ssh/contract.js";
import { relay } from "../../../ssh/relay.js";

/** Joins a channel with a stream of this machine; half-close and back-pressure go through. Resolves when both are done. */
export async function pipeChannel(channel: SshChannel, stream: Duplex): Promise<void> {
  channel.extended.resume();
  await relay(channel, stream);
  channel.close();
}
