/** Terminal output taken apart into text and control sequences (ECMA-48 §5.4, §8.3; 7-bit forms). */

/** `string` is an OSC, DCS, SOS, PM or APC with its terminator. */
type TokenKind = "text" | "csi" | "escape" | "string";

/** A piece of output. Its bytes are cut out only where they are asked for: a long session has millions of pieces. */
export class OutputToken {
  constructor(
    readonly kind: TokenKind,
    /** Where it begins in the output. */
    readonly offset: number,
    private readonly source: Buffer,
    private readonly start: number,
    private readonly end: number,
  ) {}

  get bytes(): Buffer {
    return this.source.subarray(this.start, this.end);
  }

  /** A control sequence as a string. */
  get sequence(): string {
    return this.source.toString("latin1", this.start, this.end);
  }

  /** The last byte, which tells the function of a control sequence. */
  get final(): number | undefined {
    return this.source[this.end - 1];
  }
}

const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;
const CSI_LIMIT_BYTES = 256;
const STRING_LIMIT_BYTES = 64 * 1024;
/** What may follow ESC and begins a string: DCS, SOS, OSC, PM, APC. */
const STRING_INTRODUCERS = new Set(Buffer.from("PX]^_"));

/** Takes output apart as it comes. A sequence that is cut by the end of a piece is held until the next. */
export class ControlSequences {
  #held: Buffer = Buffer.alloc(0);
  #offset: number;

  /** @param offset where the first piece begins in the output */
  constructor(offset = 0) {
    this.#offset = offset;
  }

  /** Where the output that is not yet taken apart begins. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes the next piece. A sequence without end is given as text, so that nothing is held for ever. */
  *push(piece: Uint8Array): Generator<OutputToken> {
    const bytes = this.#held.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#held, piece]);
    let at = 0;
    const token = (kind: TokenKind, end: number): OutputToken => {
      const found = new OutputToken(kind, this.#offset, bytes, at, end);
      this.#offset += end - at;
      at = end;
      return found;
    };
    while (at < bytes.length) {
      if (bytes[at] !== ESC) {
        const escape = bytes.indexOf(ESC, at);
        yield token("text", escape < 0 ? bytes.length : escape);
        continue;
      }
      const found = sequenceAt(bytes, at);
      if (found === undefined) break;
      yield token(found.kind, found.end);
    }
    // A copy: the piece belongs to the caller.
    this.#held = Buffer.from(bytes.subarray(at));
  }
}

interface Sequence {
  readonly kind: TokenKind;
  readonly end: number;
}

/** The sequence that begins at `start`; undefined where its end has not come yet. */
function sequenceAt(bytes: Buffer, start: number): Sequence | undefined {
  const second = bytes[start + 1];
  if (second === undefined) return undefined;
  if (second === 0x5b) return csiAt(bytes, start);
  if (STRING_INTRODUCERS.has(second)) return stringAt(bytes, start, second === 0x5d);
  let end = start + 1;
  while (isIntermediate(bytes[end]) && end - start < CSI_LIMIT_BYTES) end++;
  const final = bytes[end];
  if (final === undefined) return undefined;
  return final >= 0x30 && final < 0x7f ? { kind: "escape", end: end + 1 } : { kind: "text", end };
}

function csiAt(bytes: Buffer, start: number): Sequence | undefined {
  for (let end = start + 2; end - start < CSI_LIMIT_BYTES; end++) {
    const byte = bytes[end];
    if (byte === undefined) return undefined;
    if (byte >= 0x40 && byte < 0x7f) return { kind: "csi", end: end + 1 };
    if (byte < 0x20 || byte >= 0x7f) return { kind: "text", end };
  }
  return { kind: "text", end: start + CSI_LIMIT_BYTES };
}

function stringAt(bytes: Buffer, start: number, belEnds: boolean): Sequence | undefined {
  for (let end = start + 2; end - start < STRING_LIMIT_BYTES; end++) {
    const byte = bytes[end];
    if (byte === undefined) return undefined;
    if ((byte === BEL && belEnds) || byte === CAN || byte === SUB) return { kind: "string", end: end + 1 };
    if (byte !== ESC) continue;
    if (bytes[end + 1] === undefined) return undefined;
    // An escape that does not end the string cuts it off and begins a sequence of its own.
    return { kind: "string", end: bytes[end + 1] === 0x5c ? end + 2 : end };
  }
  return { kind: "string", end: start + STRING_LIMIT_BYTES };
}

const isIntermediate = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= 0x20 && byte < 0x30;
