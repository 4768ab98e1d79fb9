/**
 * Recorded output on its way to the viewer's terminal, without what would do more than show it: questions that the
 * terminal answers into the keyboard, the mouse and other input modes, the clipboard, the printer, the window.
 */
import { ControlSequences, type OutputToken } from "../../../recording/control-sequences.js";

/** DEC private modes that only change what is shown: screen width, video, origin, wrap, cursor, alternate screen, sync. */
const SHOWN_MODES = new Set([
  "3",
  "5",
  "6",
  "7",
  "12",
  "25",
  "45",
  "47",
  "69",
  "1047",
  "1048",
  "1049",
  "2026",
]);
/** Finals of CSI sequences that do not show: answers, reports, printing, window and keyboard settings. */
const NOT_SHOWN = /[cnitxyu]$|[<=>!?][\d;:]*[ -/]*m$|\$p$|[>=][\d;:]*q$/;
const ENQUIRY = 0x05;
const NOTHING = Buffer.alloc(0);

/** Filters one run of output; what a piece cuts is held until the next. */
export class PlayFilter {
  readonly #sequences = new ControlSequences();

  /** What of a piece may be shown. */
  push(piece: Uint8Array): Buffer {
    return Buffer.concat([...this.#sequences.push(piece)].map(shown));
  }
}

function shown(token: OutputToken): Buffer {
  const { bytes } = token;
  switch (token.kind) {
    case "text":
      return bytes.includes(ENQUIRY) ? Buffer.from(bytes.filter((byte) => byte !== ENQUIRY)) : bytes;
    case "escape":
      // DECID asks for an answer; the others change what the keypad sends.
      return ["\u001bZ", "\u001b=", "\u001b>"].includes(token.sequence) ? NOTHING : bytes;
    case "string":
      // Links are text; all other strings set or ask something of the terminal.
      return token.sequence.startsWith("\u001b]8;") ? bytes : NOTHING;
    case "csi":
      return shownCsi(token);
  }
}

function shownCsi({ sequence, bytes }: OutputToken): Buffer {
  // CSI u alone restores the cursor.
  if (sequence !== "\u001b[u" && NOT_SHOWN.test(sequence)) return NOTHING;
  const [, modes, final] = /^\u001b\[\?([\d;]*)([hlsr])$/.exec(sequence) ?? [];
  if (modes === undefined) return bytes;
  const kept = modes.split(";").filter((mode) => SHOWN_MODES.has(mode));
  return kept.length === 0 ? NOTHING : Buffer.from(`\u001b[?${kept.join(";")}${final}`);
}
