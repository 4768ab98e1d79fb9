/** An ssh-agent that holds a user's certificate. */
import { execFileSync } from "node:child_process";

/** A running agent. */
export interface Agent {
  readonly env: { readonly SSH_AUTH_SOCK: string };
  stop(): void;
}

/** Starts ssh-agent with a key; a certificate beside it is added too. */
export function startAgent(keyFile: string): Agent {
  const told = execFileSync("ssh-agent", ["-s"], { encoding: "utf8" });
  const socket = /SSH_AUTH_SOCK=([^;]+);/.exec(told)?.[1];
  const pid = /SSH_AGENT_PID=(\d+);/.exec(told)?.[1];
  if (socket === undefined || pid === undefined) throw new Error(`ssh-agent said: ${told}`);
  const env = { SSH_AUTH_SOCK: socket };
  const stop = (): void => void process.kill(Number(pid));
  try {
    execFileSync("ssh-add", ["-q", keyFile], { env: { ...process.env, ...env }, stdio: "ignore" });
  } catch (error) {
    stop();
    throw error;
  }
  return { env, stop };
}
