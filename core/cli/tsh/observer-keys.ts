/** The keys of somebody who only watches a session: none reaches it. */
import { Transform, type TransformCallback } from "node:stream";
import type { KeyActions } from "./session.js";

const CTRL_C = 0x03;

/** Swallows every key; Ctrl-C leaves. */
export class ObserverKeys extends Transform {
  readonly #actions: KeyActions;

  constructor(actions: KeyActions) {
    super();
    this.#actions = actions;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    if (chunk.includes(CTRL_C)) this.#actions.leave(0, "\r\nyou have left the session");
    done();
  }
}
