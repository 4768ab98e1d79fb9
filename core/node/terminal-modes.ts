/** Encoded terminal modes (RFC 4254 §8, RFC 8160) as arguments of stty(1). */

const END = 0;
/** Opcodes from here on have no defined argument: parsing stops. */
const UNDEFINED_FROM = 160;

/** Opcodes of control characters. */
const CHARACTERS: Readonly<Record<number, string>> = {
  1: "intr",
  2: "quit",
  3: "erase",
  4: "kill",
  5: "eof",
  6: "eol",
  7: "eol2",
  8: "start",
  9: "stop",
  10: "susp",
  12: "rprnt",
  13: "werase",
  14: "lnext",
  18: "discard",
};

/** Opcodes of flags. Left out: PENDIN, which stty does not know, and character size and parity, which a pty refuses. */
const FLAGS: Readonly<Record<number, string>> = {
  30: "ignpar",
  31: "parmrk",
  32: "inpck",
  33: "istrip",
  34: "inlcr",
  35: "igncr",
  36: "icrnl",
  37: "iuclc",
  38: "ixon",
  39: "ixany",
  40: "ixoff",
  41: "imaxbel",
  42: "iutf8",
  50: "isig",
  51: "icanon",
  52: "xcase",
  53: "echo",
  54: "echoe",
  55: "echok",
  56: "echonl",
  57: "noflsh",
  58: "tostop",
  59: "iexten",
  60: "echoctl",
  61: "echoke",
  70: "opost",
  71: "olcuc",
  72: "onlcr",
  73: "ocrnl",
  74: "onocr",
  75: "onlret",
};

const DISABLED = 255;

/** The arguments that set the modes. Unknown opcodes are passed over; a truncated list counts as far as it goes. */
export function sttyArguments(modes: Buffer): string[] {
  const result: string[] = [];
  for (let at = 0; at + 5 <= modes.length; at += 5) {
    const opcode = modes.readUInt8(at);
    const value = modes.readUInt32BE(at + 1);
    if (opcode === END || opcode >= UNDEFINED_FROM) break;
    result.push(...sttyArgument(opcode, value));
  }
  return result;
}

function sttyArgument(opcode: number, value: number): string[] {
  const character = CHARACTERS[opcode];
  if (character !== undefined) {
    if (value > DISABLED) return [];
    // In hexadecimal, because stty takes a single digit for the character itself.
    return [character, value === DISABLED ? "undef" : `0x${value.toString(16)}`];
  }
  const flag = FLAGS[opcode];
  return flag === undefined ? [] : [value === 0 ? `-${flag}` : flag];
}
