/** The escape sequences of an interactive session: a `~` at the beginning of a line, as in ssh(1). */
import { Transform, type TransformCallback } from "node:stream";
import type { KeyActions } from "./session.js";

const TILDE = 0x7e;
const DOT = 0x2e;
const QUESTION_MARK = 0x3f;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/** The exit code of a session that `~.` has ended, as that of ssh. */
const DISCONNECTED = 255;

const HELP =
  "tsh escape characters:\r\n" +
  "  ~? - display a list of escape characters\r\n" +
  "  ~. - disconnect\r\n" +
  "  ~~ - send the escape character by typing it twice\r\n";

/** Passes keys on; those of an escape sequence are taken out and acted on. */
export class EscapeSequences extends Transform {
  readonly #actions: KeyActions;
  #state: "line start" | "escape" | "text" = "line start";

  constructor(actions: KeyActions) {
    super();
    this.#actions = actions;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    const passed: number[] = [];
    for (const byte of chunk) passed.push(...this.#take(byte));
    done(null, Buffer.from(passed));
  }

  /** What goes on to the node for one key. */
  #take(byte: number): readonly number[] {
    if (this.#state === "line start" && byte === TILDE) {
      this.#state = "escape";
      return [];
    }
    const escaped = this.#state === "escape";
    this.#state = byte === CARRIAGE_RETURN || byte === LINE_FEED ? "line start" : "text";
    if (!escaped) return [byte];
    if (byte === DOT) {
      this.#actions.leave(DISCONNECTED, "\r\nconnection closed by ~.");
      return [];
    }
    if (byte === QUESTION_MARK) {
      this.#state = "line start";
      this.#actions.show(`~?\r\n${HELP}`);
      return [];
    }
    return byte === TILDE ? [TILDE] : [TILDE, byte];
  }
}
