/** Encoded terminal modes of a pty-req (RFC 4254 §8, RFC 8160): the settings that a client's terminal has. */
import { badParameter } from "../errors/error.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";

/** Opcodes by their names in termios, as RFC 4254 §8 and RFC 8160 assign them. */
const OPCODES = {
  VINTR: 1,
  VQUIT: 2,
  VERASE: 3,
  VKILL: 4,
  VEOF: 5,
  VEOL: 6,
  VEOL2: 7,
  VSTART: 8,
  VSTOP: 9,
  VSUSP: 10,
  VDSUSP: 11,
  VREPRINT: 12,
  VWERASE: 13,
  VLNEXT: 14,
  VFLUSH: 15,
  VSWTCH: 16,
  VSTATUS: 17,
  VDISCARD: 18,
  IGNPAR: 30,
  PARMRK: 31,
  INPCK: 32,
  ISTRIP: 33,
  INLCR: 34,
  IGNCR: 35,
  ICRNL: 36,
  IUCLC: 37,
  IXON: 38,
  IXANY: 39,
  IXOFF: 40,
  IMAXBEL: 41,
  IUTF8: 42,
  ISIG: 50,
  ICANON: 51,
  XCASE: 52,
  ECHO: 53,
  ECHOE: 54,
  ECHOK: 55,
  ECHONL: 56,
  NOFLSH: 57,
  TOSTOP: 58,
  IEXTEN: 59,
  ECHOCTL: 60,
  ECHOKE: 61,
  PENDIN: 62,
  OPOST: 70,
  OLCUC: 71,
  ONLCR: 72,
  OCRNL: 73,
  ONOCR: 74,
  ONLRET: 75,
  CS7: 90,
  CS8: 91,
  PARENB: 92,
  PARODD: 93,
  TTY_OP_ISPEED: 128,
  TTY_OP_OSPEED: 129,
} as const;

/** Name of a terminal mode. */
export type TerminalMode = keyof typeof OPCODES;

/** Terminal modes with their values; a character of 255 means that it is disabled. */
export type TerminalModes = ReadonlyMap<TerminalMode, number>;

const TTY_OP_END = 0;
/** From here on opcodes have no uint32 argument, so nothing after one can be understood. */
const FIRST_UNDEFINED_OPCODE = 160;

const NAMES = new Map<number, TerminalMode>(
  (Object.entries(OPCODES) as [TerminalMode, number][]).map(([name, opcode]) => [opcode, name]),
);

/** Reads encoded terminal modes. Unknown ones are skipped. Throws `bad_parameter` for data that is cut short. */
export function parseTerminalModes(encoded: Buffer): TerminalModes {
  const modes = new Map<TerminalMode, number>();
  const reader = new SshReader(encoded);
  while (!reader.done) {
    const opcode = reader.byte();
    if (opcode === TTY_OP_END || opcode >= FIRST_UNDEFINED_OPCODE) break;
    const value = reader.uint32();
    const name = NAMES.get(opcode);
    if (name !== undefined) modes.set(name, value);
  }
  return modes;
}

/** Encodes terminal modes, with the end mark. */
export function encodeTerminalModes(modes: TerminalModes): Buffer {
  const writer = new SshWriter();
  for (const [name, value] of modes) writer.byte(OPCODES[name]).uint32(value);
  return writer.byte(TTY_OP_END).toBuffer();
}

/** What a pty-req asks for (RFC 4254 §6.2). */
export interface PtyRequest {
  /** The value of TERM. */
  readonly term: string;
  readonly columns: number;
  readonly rows: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly modes: TerminalModes;
}

/** Reads the payload of a pty-req. Throws `bad_parameter` where it is malformed. */
export function parsePtyRequest(payload: Buffer): PtyRequest {
  const reader = new SshReader(payload);
  const term = reader.text();
  const [columns, rows, widthPixels, heightPixels] = [
    reader.uint32(),
    reader.uint32(),
    reader.uint32(),
    reader.uint32(),
  ];
  const modes = parseTerminalModes(reader.string());
  if (!/^[\x21-\x7e]{0,64}$/.test(term))
    throw badParameter("The terminal type must be at most 64 printable characters");
  return { term, columns, rows, widthPixels, heightPixels, modes };
}

/** Encodes the payload of a pty-req. */
export function encodePtyRequest(request: PtyRequest): Buffer {
  const { term, columns, rows, widthPixels, heightPixels, modes } = request;
  const writer = new SshWriter()
    .string(term)
    .uint32(columns)
    .uint32(rows)
    .uint32(widthPixels)
    .uint32(heightPixels);
  return writer.string(encodeTerminalModes(modes)).toBuffer();
}
