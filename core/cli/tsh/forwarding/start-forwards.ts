/** Starts the forwards that a command line asks for, with the habits of ssh where one of them fails. */
import { errorMessage } from "../../../errors/error.js";
import type { Address } from "../../../grammar/address.js";
import type { SshConnection } from "../../../ssh/contract.js";
import { terminalText } from "../../terminal-text.js";
import { startDynamicForward } from "./dynamic-forward.js";
import { formatEndpoint, isSocketPath } from "./endpoint.js";
import type { ForwardSpec, RemoteForwardSpec } from "./forward-spec.js";
import type { Forward } from "./listener.js";
import { startLocalForward } from "./local-forward.js";
import { RemoteForwards } from "./remote-forward.js";

/** The forwards of one call. */
export interface ForwardPlan {
  readonly local: readonly ForwardSpec[];
  readonly remote: readonly RemoteForwardSpec[];
  readonly dynamic: readonly Address[];
  /** Removes what lies at the path of a Unix socket before it is bound. */
  readonly unlinkFirst: boolean;
  /** Which must stand; the failure of others is a warning. `all` is ExitOnForwardFailure. */
  readonly needed: "all" | "any" | "none";
}

/**
 * Starts all forwards; `say` is told of those that failed, of ports that were chosen, and of connections that fail
 * later. Returns those that stand on this machine. Throws where one that is needed cannot be had.
 */
export async function startForwards(
  connection: SshConnection,
  plan: ForwardPlan,
  say: (message: string) => void,
): Promise<Forward[]> {
  const standing: Forward[] = [];
  const report = (message: string): void => say(`error: ${message}`);
  const options = { report, unlinkFirst: plan.unlinkFirst };
  const starts: (() => Promise<unknown>)[] = [
    ...plan.local.map((spec) => async () => {
      standing.push(await startLocalForward(connection, spec, options));
    }),
    ...plan.dynamic.map((listen) => async () => {
      standing.push(await startDynamicForward(connection, listen, options));
    }),
    ...startsOfRemote(connection, plan.remote, report, say),
  ];
  let failures = 0;
  for (const start of starts) {
    try {
      await start();
    } catch (error) {
      failures += 1;
      if (plan.needed === "all" || (plan.needed === "any" && failures === starts.length)) {
        for (const forward of standing) forward.close();
        throw error;
      }
      say(`WARNING: ${terminalText(errorMessage(error))}`);
    }
  }
  return standing;
}

function startsOfRemote(
  connection: SshConnection,
  specs: readonly RemoteForwardSpec[],
  report: (message: string) => void,
  say: (message: string) => void,
): (() => Promise<void>)[] {
  if (specs.length === 0) return [];
  const forwards = new RemoteForwards(connection, report);
  return specs.map((spec) => async () => {
    const endpoint = await forwards.start(spec);
    if (isSocketPath(endpoint) || isSocketPath(spec.listen) || spec.listen.port !== 0) return;
    const target = spec.target === undefined ? "SOCKS" : formatEndpoint(spec.target);
    say(`Allocated port ${endpoint.port} for remote forward to ${target}`);
  });
}

/** Whether there is anything to forward. */
export function isEmptyPlan({ local, remote, dynamic }: ForwardPlan): boolean {
  return local.length + remote.length + dynamic.length === 0;
}
