/**
 * X11 forwarding (`-X`, `-Y`; RFC 4254 §6.3). The node gets a cookie that is made up for the session; only a client
 * that shows it reaches the display, with the real cookie put in its place. So the real one never leaves this machine.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { accessDenied, badParameter, errorMessage } from "../../../errors/error.js";
import { SshWriter } from "../../../pki/ssh-wire.js";
import { OPEN_FAILURE, type SshChannel, type SshConnection } from "../../../ssh/contract.js";
import { pipeChannel } from "./channel-pipe.js";
import { readExactly } from "./stream-reader.js";
import { X11_PROTOCOL, type X11Display } from "./x11-display.js";

/** A display that is forwarded. */
export interface X11Forward {
  readonly display: X11Display;
  /** What the display's server asks for. */
  readonly realCookie: Buffer;
  /** What clients on the node have to show. */
  readonly fakeCookie: Buffer;
  /** After this time no more clients are let in: then the X server forgets the untrusted cookie, too. */
  readonly until: Date | undefined;
}

/** Makes a forward with a new cookie. */
export function newX11Forward(display: X11Display, realCookie: Buffer, until: Date | undefined): X11Forward {
  return { display, realCookie, until, fakeCookie: randomBytes(realCookie.length) };
}

/** The payload of an `x11-req` for the forward. */
export function x11Request({ display, fakeCookie }: X11Forward): Buffer {
  return new SshWriter()
    .boolean(false)
    .string(X11_PROTOCOL)
    .string(fakeCookie.toString("hex"))
    .uint32(display.screen)
    .toBuffer();
}

/** Takes the `x11` channels that the node opens. `report` is told of clients that do not reach the display. */
export function serveX11(
  connection: SshConnection,
  forward: X11Forward,
  report: (message: string) => void,
): void {
  connection.onChannel("x11", (open) => {
    if (forward.until !== undefined && new Date() >= forward.until) {
      open.reject(OPEN_FAILURE.administrativelyProhibited, "the time for X11 forwarding is over");
      report("refused an X11 client: the time of --x11-untrusted-timeout is over");
      return;
    }
    const channel = open.accept();
    channel.extended.resume();
    join(channel, forward).catch((error: unknown) => {
      channel.close();
      report(`an X11 client was not let in: ${errorMessage(error)}`);
    });
  });
}

/** The fixed part of a client's first packet: byte order, version, lengths of what follows. */
const HEAD_BYTES = 12;
const BIG_ENDIAN = 0x42;
const LITTLE_ENDIAN = 0x6c;
const MAX_FIELD_BYTES = 1024;

async function join(channel: SshChannel, { display, realCookie, fakeCookie }: X11Forward): Promise<void> {
  const head = await readExactly(channel, HEAD_BYTES);
  const [order] = head;
  if (order !== BIG_ENDIAN && order !== LITTLE_ENDIAN)
    throw badParameter("its first bytes are not those of X11");
  const lengthAt = (offset: number): number =>
    order === BIG_ENDIAN ? head.readUInt16BE(offset) : head.readUInt16LE(offset);
  const [nameBytes, cookieBytes] = [lengthAt(6), lengthAt(8)];
  if (nameBytes > MAX_FIELD_BYTES || cookieBytes > MAX_FIELD_BYTES)
    throw badParameter("its first packet is too long");
  const name = nameBytes === 0 ? Buffer.alloc(0) : await readExactly(channel, padded(nameBytes));
  const cookie = cookieBytes === 0 ? Buffer.alloc(0) : await readExactly(channel, padded(cookieBytes));
  const shown = cookie.subarray(0, cookieBytes);
  const isOurs =
    name.subarray(0, nameBytes).toString("latin1") === X11_PROTOCOL &&
    shown.length === fakeCookie.length &&
    timingSafeEqual(shown, fakeCookie);
  if (!isOurs) throw accessDenied("it has not shown the session's cookie");
  realCookie.copy(cookie);
  const socket = await display.connect();
  socket.write(Buffer.concat([head, name, cookie]));
  await pipeChannel(channel, socket);
}

/** X11 fields fill up to a multiple of four bytes. */
const padded = (length: number): number => Math.ceil(length / 4) * 4;
