import { badParameter } from "../errors/error.js";
import { SshReader } from "../pki/ssh-wire.js";

/** `x11-req` (RFC 4254 §6.3.1). */
export interface X11Request {
  /** Whether only one client is to be shown. */
  readonly singleConnection: boolean;
  /** Such as `MIT-MAGIC-COOKIE-1`. */
  readonly protocol: string;
  /** In hexadecimal. */
  readonly cookie: string;
  readonly screen: number;
}

/** These become words of a command to xauth. */
const PROTOCOL = /^[A-Za-z0-9-]{1,64}$/;
const COOKIE = /^(?:[0-9a-fA-F]{2}){1,256}$/;
const MAX_SCREEN = 255;

/** Reads the request. Throws `bad_parameter` where it is malformed. */
export function readX11Request(payload: Buffer): X11Request {
  const reader = new SshReader(payload);
  const request = {
    singleConnection: reader.boolean(),
    protocol: reader.text(),
    cookie: reader.text(),
    screen: reader.uint32(),
  };
  if (!PROTOCOL.test(request.protocol) || !COOKIE.test(request.cookie) || request.screen > MAX_SCREEN) {
    throw badParameter("malformed X11 request");
  }
  return request;
}
