/**
 * Questions on the terminal. Secrets are read without echo; where stdin is no terminal, a line is read from it. What
 * follows the answer stays unread: it belongs to the next question, or to the session that comes after.
 */
import { badParameter } from "../errors/error.js";
import { ExitWith } from "./program.js";

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const CTRL_U = 0x15;
const BACKSPACE = 0x08;
const DELETE = 0x7f;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const INTERRUPTED = 130;

/** Asks for a secret without showing what is typed. Throws `bad_parameter` at the end of the input. */
export function promptSecret(question: string): Promise<string> {
  return ask(question, process.stdin.isTTY);
}

/** Asks for a line. Throws `bad_parameter` at the end of the input. */
export function promptLine(question: string): Promise<string> {
  return ask(question, false);
}

function ask(question: string, hidden: boolean): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.readableEnded) return Promise.reject(endOfInput());
  // Before the question is seen: nothing that is typed in reply may be echoed.
  if (hidden) stdin.setRawMode(true);
  stderr.write(question);
  return new Promise((resolve, reject) => {
    const typed: number[] = [];
    const settle = (finish: () => void): void => {
      stdin.off("data", onData).off("end", onEnd).off("error", onError);
      stdin.pause();
      if (hidden) {
        stdin.setRawMode(false);
        stderr.write("\n");
      }
      finish();
    };
    const answer = (): void => settle(() => resolve(Buffer.from(typed).toString("utf8").replace(/\r$/, "")));
    const onError = (error: Error): void => settle(() => reject(error));
    const onEnd = (): void => (typed.length > 0 ? answer() : settle(() => reject(endOfInput())));
    const onData = (chunk: Buffer | string): void => {
      const bytes = Buffer.from(chunk as Buffer);
      for (const [i, byte] of bytes.entries()) {
        if (byte === LINE_FEED || (hidden && byte === CARRIAGE_RETURN)) {
          answer();
          const next = byte === CARRIAGE_RETURN && bytes[i + 1] === LINE_FEED ? i + 2 : i + 1;
          if (next < bytes.length) stdin.unshift(bytes.subarray(next));
          return;
        }
        if (hidden && byte === CTRL_C) return settle(() => reject(new ExitWith(INTERRUPTED)));
        if (hidden && byte === CTRL_D) return settle(() => reject(endOfInput()));
        if (hidden) edit(typed, byte);
        else typed.push(byte);
      }
    };
    stdin.on("data", onData).on("end", onEnd).on("error", onError);
    stdin.resume();
  });
}

/** What the terminal's own line editing would do, which is off while the echo is. */
function edit(typed: number[], byte: number): void {
  if (byte === CTRL_U) typed.length = 0;
  else if (byte !== BACKSPACE && byte !== DELETE) typed.push(byte);
  else while (isContinuation(typed.pop()));
}

/** Whether a byte is one of the later ones of a UTF-8 character. */
const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

const endOfInput = (): Error => badParameter("the input ended before it was answered");
