/** Questions on the terminal. Secrets are read without echo; where stdin is no terminal, a line is read from it. */
import { createInterface } from "node:readline";
import { badParameter } from "../errors/error.js";
import { ExitWith } from "./program.js";

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const BACKSPACE = ["\u007f", "\b"];

/** Asks for a secret without showing what is typed. Throws `bad_parameter` at the end of the input. */
export function promptSecret(question: string): Promise<string> {
  return process.stdin.isTTY ? readHidden(question) : readLine(question);
}

/** Asks for a line. Throws `bad_parameter` at the end of the input. */
export function promptLine(question: string): Promise<string> {
  return readLine(question);
}

/** Lines that arrived together with an earlier one: a pipe may hold all answers at once. */
let lines: AsyncIterator<string> | undefined;

async function readLine(question: string): Promise<string> {
  process.stderr.write(question);
  lines ??= createInterface({ input: process.stdin, terminal: false })[Symbol.asyncIterator]();
  const line = await lines.next();
  if (line.done) throw badParameter("the input ended before it was answered");
  return line.value;
}

function readHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve, reject) => {
    let answer = "";
    const settle = (finish: () => void): void => {
      stdin.off("data", onData);
      stdin.setRawMode(false);
      stdin.pause();
      process.stderr.write("\n");
      finish();
    };
    const onData = (text: string): void => {
      for (const char of text) {
        if (char === "\r" || char === "\n") return settle(() => resolve(answer));
        if (char === CTRL_C) return settle(() => reject(new ExitWith(130)));
        if (char === CTRL_D)
          return settle(() => reject(badParameter("the input ended before it was answered")));
        answer = BACKSPACE.includes(char) ? answer.slice(0, -1) : answer + char;
      }
    };
    stdin.on("data", onData);
  });
}
