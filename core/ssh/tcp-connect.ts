import { connect, type Socket } from "node:net";
import { errorMessage, unavailable } from "../errors/error.js";
import { formatAddress, type Address } from "../grammar/address.js";
import type { Clock } from "../plugin/clock.js";
import { startTimer } from "./timer.js";

const TIMEOUT_MS = 10_000;

/** Connects to a TCP address with half-open sockets allowed. Throws `unavailable` after 10 s at the latest. */
export function connectTcp(address: Address, clock: Clock): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, allowHalfOpen: true, noDelay: true, keepAlive: true });
    const fail = (cause: unknown): void => {
      stopTimer();
      socket.destroy();
      reject(unavailable(`dial tcp ${formatAddress(address)}: ${errorMessage(cause)}`, { cause }));
    };
    const stopTimer = startTimer(clock, TIMEOUT_MS, () => fail(new Error("no answer within 10 s")));
    // Stays for good: a socket that breaks while nobody has taken it over yet must not end the process.
    socket.on("error", fail);
    socket.once("connect", () => {
      stopTimer();
      resolve(socket);
    });
  });
}
