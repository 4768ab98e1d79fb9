/** One run of a label's command, which is bounded whatever the command does. */
import { spawn } from "node:child_process";
import { errorMessage, limitExceeded, unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import { signalGroup } from "./process-group.js";
import { checkTrustedProgram } from "./trusted-program.js";

/** What a command gave. */
export interface LabelResult {
  /** The trimmed output, or what went wrong and the output before that. */
  readonly text: string;
  readonly failed: boolean;
}

const TIMEOUT_MS = 30_000;
/** How long output is awaited from what a command that has ended left running. */
const LEFTOVER_MS = 1_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

/** Runs a command; the signal cuts it off. What it leaves running in its process group is killed. Never rejects. */
export async function runLabelCommand(
  command: readonly string[],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<LabelResult> {
  const [program, ...args] = command;
  const output: Buffer[] = [];
  // As auth keeps it, so that nodes decide by the same label.
  const text = (): string =>
    Buffer.concat(output)
      .toString("utf8")
      .trim()
      .replace(/\p{Cc}/gu, " ");
  try {
    const file = await checkTrustedProgram(program ?? "");
    await runToEnd(file, args, output, { clock, signal });
    return { text: text(), failed: false };
  } catch (error) {
    return { text: `${errorMessage(error)} output: ${text()}`, failed: true };
  }
}

function runToEnd(
  file: string,
  args: readonly string[],
  output: Buffer[],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "ignore"],
    cwd: "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" },
    detached: true,
  });
  const over = new AbortController();
  let cutOff: () => void = () => undefined;
  return new Promise<void>((resolve, reject) => {
    cutOff = () => reject(unavailable("Command was cut off, since the node ends."));
    signal.addEventListener("abort", cutOff);
    if (signal.aborted) cutOff();
    const after = (ms: number, then: () => void): void =>
      void clock.sleep(ms, over.signal).then(then, () => undefined);
    const ended = (code: number | null, by: NodeJS.Signals | null): void => {
      if (code === 0) resolve();
      else reject(unavailable(`Command failed: ${file} ended with ${by ?? `code ${code}`}.`));
    };
    let size = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      const room = MAX_OUTPUT_BYTES - size;
      output.push(chunk.subarray(0, room));
      size += chunk.length;
      if (chunk.length > room) reject(limitExceeded(`Command gives more than ${MAX_OUTPUT_BYTES} bytes;`));
    });
    child.once("error", reject);
    child.once("close", ended);
    child.once("exit", (code, by) => after(LEFTOVER_MS, () => ended(code, by)));
    after(TIMEOUT_MS, () => reject(unavailable(`Command did not end within ${TIMEOUT_MS / 1000} s;`)));
  }).finally(() => {
    signal.removeEventListener("abort", cutOff);
    over.abort();
    if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
    child.stdout.destroy();
  });
}
